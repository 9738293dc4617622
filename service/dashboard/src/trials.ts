// All trials of an experiment as columns. They come as CSV, which is a tenth of the JSON, and are kept up
// trial by trial; only when more has changed than is worth asking for singly they are loaded again.
import { useEffect, useRef, useState } from 'preact/hooks';
import { call, experimentPath, type Problem, send } from './api';
import { flatten, metric, numeric } from './format';
import { type LiveExperiment, useLoad } from './hooks';
import type { Experiment, Json, Trial, TrialState } from './types';

export interface Row {
	trial: number; state: TrialState; attempt: number; worker: string; created: number; started: number; ended: number;
	values: number[]; parameters: (string | number | null)[];
}

export interface Trials { objectives: string[]; parameters: string[]; rows: Row[] }

const LOAD_ONE_BY_ONE = 24;
const RELOAD_MS = 2000;

/** The fields of CSV, row by row (RFC 4180). */
export function* csvRows(text: string): Generator<string[]> {
	let row: string[] = [];
	let at = 0;
	const end = text.length;
	while (at < end) {
		let field: string;
		if (text[at] === '"') {
			let from = at + 1;
			field = '';
			for (;;) {
				const quote = text.indexOf('"', from);
				if (quote < 0)
					return;
				field += text.slice(from, quote);
				at = quote + 1;
				if (text[at] !== '"')
					break;
				field += '"';
				from = at + 1;
			}
		} else {
			const from = at;
			for (let c = text.charCodeAt(at); at < end && c !== 44 && c !== 13 && c !== 10; c = text.charCodeAt(at))
				at++;
			field = text.slice(from, at);
		}
		row.push(field);
		if (text[at] === ',') {
			at++;
			if (at === end)
				row.push('');
			continue;
		}
		at += text[at] === '\r' ? 2 : 1;
		yield row;
		row = [];
	}
	if (row.length)
		yield row;
}

const NUMBER = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;
const scalar = (text: string) => text === '' ? null : NUMBER.test(text) ? Number(text) : text;
const metricOf = (text: string) => text === '' ? NaN : /^-?inf/i.test(text) ? (text[0] === '-' ? -Infinity : Infinity) : Number(text);
const at = (text: string) => text ? Date.parse(text) : NaN;

export function parseTrials(text: string, experiment: Experiment): Trials {
	const rows = csvRows(text);
	const head = rows.next().value as string[] | undefined ?? [];
	const objectives = experiment.objectives.map((objective) => objective.name);
	const first = 7 + objectives.length;
	const parameters = head.slice(first);
	const out: Row[] = [];
	for (const row of rows)
		out.push({
			trial: Number(row[0]), state: row[1] as TrialState, attempt: Number(row[2]), worker: row[3],
			created: at(row[4]), started: at(row[5]), ended: at(row[6]),
			values: row.slice(7, first).map(metricOf), parameters: row.slice(first).map(scalar),
		});
	return { objectives, parameters, rows: out };
}

const plain = (value: Json | undefined) =>
	value === undefined || value === null ? null : typeof value === 'number' ? value
		: typeof value === 'string' ? scalar(value) : JSON.stringify(value); // as from CSV

export function rowOf(trial: Trial, trials: Trials): Row {
	const flat = flatten(trial.parameters);
	return {
		trial: trial.trial, state: trial.state, attempt: trial.attempt, worker: trial.worker ?? '',
		created: at(trial.created_at ?? ''), started: at(trial.started_at ?? ''), ended: at(trial.ended_at ?? ''),
		values: trials.objectives.map((name) => numeric(metric(trial.values, name))),
		parameters: trials.parameters.map((name) => plain(flat[name])),
	};
}

/** The same table with some rows replaced or added, in the order of their numbers. */
export function merge(trials: Trials, rows: Row[]): Trials {
	const by = new Map(rows.map((row) => [row.trial, row]));
	const kept = trials.rows.map((row) => {
		const newer = by.get(row.trial);
		by.delete(row.trial);
		return newer ?? row;
	});
	return { ...trials, rows: by.size ? [...kept, ...by.values()].sort((a, b) => a.trial - b.trial) : kept };
}

export interface LiveTrials { trials: Trials | null; problem: Problem | null }

/** All trials, loaded when they are first wanted and kept up while the experiment goes on. */
export function useTrials(live: LiveExperiment, wanted: boolean): LiveTrials {
	const experiment = live.data;
	const [used, use] = useState(wanted);
	useEffect(() => wanted ? use(true) : undefined, [wanted]);
	const [trials, set] = useState<Trials | null>(null);
	const waiting = useRef({ numbers: new Set<number>(), all: false, timer: 0, took: 0 });
	const spec = experiment && used ? `${experiment.id} ${JSON.stringify(experiment.search_space)}` : null;
	const loaded = useLoad<Trials>(spec, async (signal) => {
		const before = performance.now();
		const text = await (await send(`${experimentPath(experiment!.id)}/trials`, { accept: 'text/csv', signal })).text();
		const parsed = parseTrials(text, experiment!);
		waiting.current.took = performance.now() - before;
		return parsed;
	});
	useEffect(() => set(loaded.data), [loaded.data]);
	useEffect(() => {
		const state = waiting.current;
		const message = live.changed;
		if (!message || !used || !experiment || message.id !== experiment.id)
			return;
		message.trials.forEach((n) => state.numbers.add(n));
		state.all ||= Boolean(message.missed);
		// What took long to load is asked for less often.
		state.timer ||= window.setTimeout(async () => {
			const numbers = [...state.numbers];
			const all = state.all || numbers.length > LOAD_ONE_BY_ONE;
			state.timer = 0;
			state.numbers.clear();
			state.all = false;
			if (all) {
				loaded.reload();
				return;
			}
			const some = await Promise.all(numbers.map((n) =>
				call<Trial>(`${experimentPath(experiment.id)}/trials/${n}`).catch(() => null)));
			set((old) => old && merge(old, some.filter((trial) => trial !== null).map((trial) => rowOf(trial, old))));
		}, Math.max(state.numbers.size > LOAD_ONE_BY_ONE || state.all ? RELOAD_MS : 500, 5 * (state.numbers.size > LOAD_ONE_BY_ONE ? state.took : 0)));
	}, [live.changed]);
	useEffect(() => () => clearTimeout(waiting.current.timer), [experiment?.id]);
	return { trials, problem: loaded.problem };
}

/* ---- finding trials ---- */

export type Column = string;

/** What a column shows of a row; the fixed ones first, then objectives ("value:NAME") and parameters ("p:NAME"). */
export function cell(trials: Trials, row: Row, column: Column): string | number | null {
	switch (column) {
	case 'trial': return row.trial;
	case 'state': return row.state;
	case 'attempt': return row.attempt;
	case 'worker': return row.worker;
	case 'created': return row.created;
	case 'started': return row.started;
	case 'ended': return row.ended;
	case 'duration': return row.ended - row.started;
	}
	if (column.startsWith('value:'))
		return row.values[trials.objectives.indexOf(column.slice(6))] ?? null;
	return row.parameters[trials.parameters.indexOf(column.slice(2))] ?? null;
}

export const columnsOf = (trials: Trials): Column[] => ['trial', 'state', ...trials.objectives.map((name) => `value:${name}`),
	'duration', ...trials.parameters.map((name) => `p:${name}`), 'worker', 'attempt', 'created', 'started', 'ended'];

type Test = (row: Row) => boolean;
const COMPARE: Record<string, (a: number, b: number) => boolean> = {
	'<': (a, b) => a < b, '<=': (a, b) => a <= b, '>': (a, b) => a > b, '>=': (a, b) => a >= b, '=': (a, b) => a === b, '!=': (a, b) => a !== b,
};

function termOf(trials: Trials, term: string): Test {
	const found = /^([^<>=!]+)(<=|>=|!=|<|>|=)(.+)$/.exec(term);
	const known = columnsOf(trials);
	const column = found && [found[1], `p:${found[1]}`, `value:${found[1]}`].find((name) => known.includes(name));
	if (found && column) {
		const want = column === 'duration' ? Number(found[3]) * 1000 : Number(found[3]);
		return (row) => {
			const value = cell(trials, row, column);
			if (value === null || value === '')
				return false;
			if (typeof value === 'number' && !Number.isNaN(want))
				return COMPARE[found[2]](value, want);
			const same = String(value).toLowerCase() === found[3].toLowerCase();
			return found[2] === '=' ? same : found[2] === '!=' && !same;
		};
	}
	const text = term.toLowerCase();
	return (row) => String(row.trial) === text || row.worker.toLowerCase().includes(text) || row.state.startsWith(text) ||
		row.parameters.some((value) => typeof value === 'string' && value.toLowerCase().includes(text));
}

/** "lr<0.01 op=conv gpu-3": all terms must hold; a term without a comparison is looked for in texts. */
export function search(trials: Trials, query: string): Row[] {
	const tests = query.split(/\s+/).filter(Boolean).map((term) => termOf(trials, term));
	return tests.length ? trials.rows.filter((row) => tests.every((test) => test(row))) : trials.rows;
}

export function sorted(trials: Trials, rows: Row[], column: Column, descending: boolean): Row[] {
	const sign = descending ? -1 : 1;
	const empty = (value: unknown) => value === null || value === '' || (typeof value === 'number' && Number.isNaN(value));
	return rows.map((row) => ({ row, key: cell(trials, row, column) })).sort((a, b) => {
		// What has no value comes last, whichever way.
		if (empty(a.key) || empty(b.key))
			return Number(empty(a.key)) - Number(empty(b.key)) || a.row.trial - b.row.trial;
		const order = typeof a.key === 'number' && typeof b.key === 'number' ? a.key - b.key : String(a.key).localeCompare(String(b.key));
		return sign * order || a.row.trial - b.row.trial;
	}).map(({ row }) => row);
}

/** Succeeded trials, the best by an objective first. */
export function ranked(trials: Trials, objective: number, goal: string | undefined): Row[] {
	const sign = goal === 'minimize' ? 1 : -1;
	return trials.rows.filter((row) => row.state === 'succeeded' && Number.isFinite(row.values[objective]))
		.sort((a, b) => sign * (a.values[objective] - b.values[objective]) || a.trial - b.trial);
}
