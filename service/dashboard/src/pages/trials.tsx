// All trials in a table of which only what is seen is in the page.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { duration, number, plural, time } from '../format';
import { useDebounced } from '../hooks';
import { href, setQuery } from '../router';
import { cell, type Column, columnsOf, type LiveTrials, type Row, search, sorted, type Trials } from '../trials';
import { type Experiment, TRIAL_STATES } from '../types';
import { Badge, csv, download, Field, Loading, Trouble } from '../ui';

const ROW = 35; // with its border; style.css has the same
const SPARE = 8;
const MOST_COLUMNS = 14; // shown at first

const NAMES: Record<string, string> = { trial: 'Trial', state: 'State', duration: 'Duration', worker: 'Worker', attempt: 'Attempt', created: 'Created', started: 'Started', ended: 'Ended' };
const titleOf = (column: Column) => NAMES[column] ?? column.replace(/^(value|p):/, '');

function text(trials: Trials, row: Row, column: Column): string {
	const value = cell(trials, row, column);
	if (value === null || value === '' || (typeof value === 'number' && Number.isNaN(value)))
		return '';
	if (column === 'duration')
		return duration(value as number);
	if (column === 'created' || column === 'started' || column === 'ended')
		return time(new Date(value as number).toISOString());
	return number(value);
}

interface TableProps { trials: Trials; rows: Row[]; columns: Column[]; experiment: Experiment; sort: Column; descending: boolean }

function Table({ trials, rows, columns, experiment, sort, descending }: TableProps) {
	const box = useRef<HTMLDivElement>(null);
	const [top, setTop] = useState(0);
	const [height, setHeight] = useState(600);
	useEffect(() => {
		const watch = new ResizeObserver(([entry]) => setHeight(entry.contentRect.height));
		watch.observe(box.current!);
		return () => watch.disconnect();
	}, []);
	const first = Math.max(0, Math.min(rows.length - 1, Math.floor(top / ROW)) - SPARE);
	const last = Math.min(rows.length, Math.ceil((top + height) / ROW) + SPARE);
	const order = (column: Column) => column === sort ? descending ? 'descending' : 'ascending' : undefined;
	const right = useMemo(() => new Set(columns.filter((column) => {
		const row = trials.rows.find((row) => cell(trials, row, column) !== null);
		return row && typeof cell(trials, row, column) === 'number';
	})), [trials, columns.join()]);
	return <div class="scroll virtual" ref={box} tabIndex={0} role="region" aria-label="Trials" onScroll={(event) => setTop(event.currentTarget.scrollTop)}>
		<table aria-rowcount={rows.length + 1}>
			<thead><tr aria-rowindex={1}>{columns.map((column) => <th key={column} scope="col" aria-sort={order(column)}>
				<button type="button" onClick={() => setQuery({ sort: column === 'trial' && descending ? null : column, order: column === sort && !descending ? 'desc' : null })}>
					{titleOf(column)}<span aria-hidden="true">{column === sort ? descending ? ' ↓' : ' ↑' : ''}</span>
				</button>
			</th>)}</tr></thead>
			<tbody>
				{first > 0 && <tr class="space" aria-hidden="true"><td colSpan={columns.length} style={{ height: `${first * ROW}px` }} /></tr>}
				{rows.slice(first, last).map((row, i) => <tr key={row.trial} aria-rowindex={first + i + 2}>
					{columns.map((column) => column === 'trial'
						? <th key={column} scope="row"><a href={href(['experiments', experiment.id, 'trials', row.trial])}>{row.trial}</a></th>
						: column === 'state' ? <td key={column}><Badge state={row.state} /></td>
							: <td key={column} class={right.has(column) ? 'number' : ''}>{text(trials, row, column)}</td>)}
				</tr>)}
				{last < rows.length && <tr class="space" aria-hidden="true"><td colSpan={columns.length} style={{ height: `${(rows.length - last) * ROW}px` }} /></tr>}
			</tbody>
		</table>
	</div>;
}

function Columns({ all, shown }: { all: Column[]; shown: Column[] }) {
	const set = (column: Column, on: boolean) =>
		setQuery({ columns: all.filter((other) => other === column ? on : shown.includes(other)).join(',') });
	return <details>
		<summary>Columns ({shown.length} of {all.length})</summary>
		<ul class="plain">{all.map((column) => <li key={column}><label>
			<input type="checkbox" checked={shown.includes(column)} disabled={column === 'trial'} onChange={(event) => set(column, event.currentTarget.checked)} /> {titleOf(column)}
		</label></li>)}</ul>
	</details>;
}

export function TrialsPage({ experiment, trials: live, query }: { experiment: Experiment; trials: LiveTrials; query: URLSearchParams }) {
	const trials = live.trials;
	const [typed, setTyped] = useState(query.get('q') ?? '');
	const wanted = useDebounced(typed, 200);
	useEffect(() => setQuery({ q: wanted }), [wanted]);
	const state = query.get('state') ?? '';
	const sort = query.get('sort') ?? 'trial';
	const descending = query.get('order') === 'desc';
	const rows = useMemo(() => {
		if (!trials)
			return [];
		const found = search(trials, wanted).filter((row) => !state || row.state === state);
		return sort === 'trial' && !descending ? found : sorted(trials, found, sort, descending);
	}, [trials, wanted, state, sort, descending]);
	if (!trials)
		return live.problem ? <Trouble problem={live.problem} /> : <Loading what="trials" />;
	const all = columnsOf(trials);
	const chosen = query.get('columns')?.split(',');
	const shown = chosen ? all.filter((column) => column === 'trial' || chosen.includes(column)) : all.slice(0, MOST_COLUMNS);
	const table = () => csv([shown.map(titleOf), ...rows.map((row) => shown.map((column) => {
		const value = cell(trials, row, column);
		return ['created', 'started', 'ended'].includes(column) && Number.isFinite(value) ? new Date(value as number).toISOString() : value;
	}))]);
	return <>
		<form class="row" role="search" onSubmit={(event) => event.preventDefault()}>
			<div class="field wide"><Field label="Search" help="Words, and comparisons like lr<0.01 op=conv duration>60 (seconds): all must hold.">{(id, help) =>
				<input id={id} type="search" aria-describedby={help} value={typed} spellcheck={false} onInput={(event) => setTyped(event.currentTarget.value)} />}</Field></div>
			<Field label="State">{(id) =>
				<select id={id} value={state} onChange={(event) => setQuery({ state: event.currentTarget.value })}>
					<option value="">any</option>
					{TRIAL_STATES.map((name) => <option key={name} value={name}>{name} ({experiment.counts[name]})</option>)}
				</select>}</Field>
			<button type="button" onClick={() => download(`${experiment.name} trials.csv`, 'text/csv', table())}>Download as CSV</button>
		</form>
		<Columns all={all} shown={shown} />
		<p class="soft" role="status">{plural(rows.length, 'trial')}{rows.length !== trials.rows.length ? ` of ${trials.rows.length.toLocaleString('en')}` : ''}</p>
		<Table trials={trials} rows={rows} columns={shown} experiment={experiment} sort={sort} descending={descending} />
	</>;
}
