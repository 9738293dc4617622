// A new experiment, from a form or from JSON. Both edit the same thing; the server says, as one types,
// what is wrong with it.
import type { JSX } from 'preact';
import { useEffect, useId, useMemo, useState } from 'preact/hooks';
import { call, experimentPath, post, Problem } from '../api';
import { useDebounced, useLoad } from '../hooks';
import { fromNni } from '../nni';
import { go, href } from '../router';
import type { Algorithm, AlgorithmChoice, Experiment, Fault, Json, Limits, Objective, Page, Spec } from '../types';
import { Faults, Field, Title, Trouble, useAction } from '../ui';

const TYPES: [string, string][] = [
	['uniform', '[0, 1]'], ['loguniform', '[0.0001, 1]'], ['quniform', '[0, 100, 5]'], ['qloguniform', '[1, 1000, 1]'], ['randint', '[0, 10]'],
	['int', '{"low": 1, "high": 10}'], ['choice', '["a", "b"]'], ['ordinal', '[16, 32, 64]'], ['bool', ''], ['normal', '[0, 1]'], ['qnormal', '[0, 10, 1]'],
	['lognormal', '[0, 1]'], ['qlognormal', '[0, 1, 1]'], ['fixed', '1'],
];

const EXAMPLE: Spec = {
	name: 'my experiment',
	search_space: { lr: { _type: 'loguniform', _value: [0.00001, 1] }, batch_size: { _type: 'choice', _value: [16, 32, 64] } },
	objectives: [{ name: 'default', goal: 'maximize' }],
	tuner: { name: 'tpe' },
	limits: { max_trials: 100, concurrency: 4 },
};

const toText = (value: unknown) => JSON.stringify(value, null, '\t');

/** What the server says of a spec: null while it is asked. */
function useValidation(text: string): { faults: Fault[]; valid: boolean; problem: Problem | null } | null {
	const settled = useDebounced(text, 350);
	const answer = useLoad(settled, async (signal) => {
		try {
			JSON.parse(settled);
		} catch (error) {
			return { faults: [{ pointer: '', message: (error as Error).message }], valid: false, problem: null };
		}
		try {
			await call('/v1/experiments/validate', { method: 'POST', body: settled, signal });
			return { faults: [], valid: true, problem: null };
		} catch (error) {
			if (!(error instanceof Problem))
				throw error;
			const told = error.status === 422 || error.status === 400;
			const faults = told ? error.errors.length ? error.errors : [{ pointer: '', message: error.message }] : [];
			return { faults, valid: false, problem: told ? null : error };
		}
	});
	return settled === text ? answer.data : null;
}

interface FormProps { spec: Spec; change: (spec: Spec) => void; faults: Fault[]; tuners: Algorithm[]; assessors: Algorithm[] }

const under = (faults: Fault[], pointer: string) => faults.filter((fault) => fault.pointer === pointer || fault.pointer.startsWith(`${pointer}/`));

interface InputProps { label: string; value: string; onText: (text: string) => void; faults: Fault[]; help?: string; type?: string; required?: boolean; wide?: boolean }

function Input({ label, value, onText, faults, help, ...rest }: InputProps) {
	const id = useId();
	return <div class={`field${rest.wide ? ' wide' : ''}`}>
		<label for={id}>{label}</label>
		<input id={id} type={rest.type} required={rest.required} value={value} spellcheck={false} aria-invalid={faults.length > 0 || undefined}
			aria-describedby={`${id}-more`} onInput={(event) => onText(event.currentTarget.value)} />
		<small id={`${id}-more`} class={faults.length ? 'bad' : 'soft'}>{faults.map((fault) => fault.message).join('; ') || help}</small>
	</div>;
}

const json = (text: string): Json => {
	try {
		return JSON.parse(text);
	} catch {
		return text; // the server says what is wrong with it
	}
};

function SpaceRow({ name, value, faults, change, remove }: { name: string; value: Json; faults: Fault[];
	change: (name: string, value: Json) => void; remove: () => void }) {
	const known = value && typeof value === 'object' && !Array.isArray(value) ? value as Record<string, Json> : {};
	const type = typeof known._type === 'string' ? known._type : '';
	const { _type: _, _value, ...others } = known;
	const given = type === 'int' && _value === undefined ? others : _value;
	const [text, setText] = useState(given === undefined ? '' : JSON.stringify(given));
	const set = (nextType: string, nextText: string) => {
		setText(nextText);
		const next = json(nextText);
		change(name, nextType === 'int' && next && typeof next === 'object' && !Array.isArray(next) ? { _type: nextType, ...next }
			: { _type: nextType, ...(nextText === '' ? {} : { _value: next }) });
	};
	const [newName, setName] = useState(name);
	return <div class="row">
		<Input label="Name" value={newName} onText={setName} faults={[]} />
		<Field label="Type">{(id) =>
			<select id={id} value={type} onChange={(event) => set(event.currentTarget.value, TYPES.find(([name]) => name === event.currentTarget.value)?.[1] ?? '')}>
				{[...new Set([type, ...TYPES.map(([name]) => name)])].filter(Boolean).map((name) => <option key={name}>{name}</option>)}
			</select>}</Field>
		<Input label="Values" wide value={text} onText={(next) => set(type, next)} faults={faults} help="as JSON" />
		{newName !== name && <button type="button" onClick={() => change(newName, value)}>Rename</button>}
		<button type="button" onClick={remove} aria-label={`Remove ${name}`}>Remove</button>
	</div>;
}

function Space({ spec, change, faults }: Pick<FormProps, 'spec' | 'change' | 'faults'>) {
	const [name, setName] = useState('');
	const entries = Object.entries(spec.search_space ?? {});
	const put = (list: [string, Json][]) => change({ ...spec, search_space: Object.fromEntries(list) });
	const add = () => {
		put([...entries, [name, { _type: 'uniform', _value: [0, 1] }]]);
		setName('');
	};
	return <fieldset>
		<legend>Search space</legend>
		{entries.map(([key, value], i) => <SpaceRow key={key} name={key} value={value} faults={under(faults, `/search_space/${key}`)}
			change={(newName, next) => put(entries.map((entry, j) => i === j ? [newName, next] : entry))}
			remove={() => put(entries.filter((_, j) => i !== j))} />)}
		<div class="row">
			<Input label="Another parameter" value={name} onText={setName} faults={[]} />
			<button type="button" disabled={!name || name in (spec.search_space ?? {})} onClick={add}>Add</button>
		</div>
	</fieldset>;
}

function Objectives({ spec, change, faults }: Pick<FormProps, 'spec' | 'change' | 'faults'>) {
	const list: Objective[] = spec.objectives ?? [{ name: 'default', goal: 'maximize' }];
	const put = (next: Objective[]) => change({ ...spec, objectives: next });
	return <fieldset>
		<legend>Objectives</legend>
		{list.map((objective, i) => <div class="row" key={i}>
			<Input label="Metric" value={objective.name} faults={under(faults, `/objectives/${i}`)}
				onText={(name) => put(list.map((old, j) => i === j ? { ...old, name } : old))} />
			<Field label="Goal">{(id) =>
				<select id={id} value={objective.goal ?? 'maximize'} onChange={(event) =>
					put(list.map((old, j) => i === j ? { ...old, goal: event.currentTarget.value as Objective['goal'] } : old))}>
					<option>maximize</option><option>minimize</option>
				</select>}</Field>
			{list.length > 1 && <button type="button" aria-label={`Remove ${objective.name}`} onClick={() => put(list.filter((_, j) => i !== j))}>Remove</button>}
		</div>)}
		{list.length < 8 && <button type="button" onClick={() => put([...list, { name: `metric_${list.length + 1}`, goal: 'minimize' }])}>Add an objective</button>}
	</fieldset>;
}

function OptionInput({ option, value, set, faults }: { option: Algorithm['options'][0]; value: Json | undefined; set: (value: Json | undefined) => void; faults: Fault[] }) {
	const choices = option.type === 'bool' ? ['true', 'false'] : option.choices;
	if (choices && (option.type === 'bool' || option.type === 'choice'))
		return <Field label={option.name} help={option.help}>{(id, help) =>
			<select id={id} aria-describedby={help} value={value === undefined ? '' : String(value)} onChange={(event) => {
				const text = event.currentTarget.value;
				set(text === '' ? undefined : option.type === 'bool' ? text === 'true' : text);
			}}>
				<option value="">default ({String(option.default ?? 'none')})</option>
				{choices.map((choice) => <option key={choice}>{choice}</option>)}
			</select>}</Field>;
	return <Input label={option.name} value={value === undefined ? '' : String(value)} faults={faults}
		help={`${option.help} Default ${option.default ?? 'none'}.`} onText={(text) => set(text === '' ? undefined : json(text))} />;
}

interface AlgorithmProps { title: string; member: 'tuner' | 'assessor'; list: Algorithm[]; form: FormProps; none?: string }

function AlgorithmFields({ title, member, list, form, none }: AlgorithmProps): JSX.Element {
	const { spec, change, faults } = form;
	const chosen = spec[member] ?? undefined;
	const algorithm = list.find((item) => item.name === chosen?.name);
	const put = (next: AlgorithmChoice | undefined) => {
		const { [member]: _, ...rest } = spec;
		change(next ? { ...rest, [member]: next } as Spec : rest as Spec);
	};
	return <fieldset>
		<legend>{title}</legend>
		<div class="row">
			<Field label={title}>{(id) =>
				<select id={id} value={chosen?.name ?? ''} onChange={(event) =>
					put(event.currentTarget.value ? { name: event.currentTarget.value } : undefined)}>
					<option value="">{none ?? 'none'}</option>
					{list.map((item) => <option key={item.name}>{item.name}</option>)}
				</select>}</Field>
			{member === 'tuner' && chosen && <Input label="Seed" value={chosen.seed === undefined ? '' : String(chosen.seed)}
				faults={under(faults, '/tuner/seed')} help="drawn if empty" onText={(text) => {
					const { seed: _, ...rest } = chosen;
					put(text === '' ? rest : { ...rest, seed: json(text) as number });
				}} />}
		</div>
		{algorithm && <p class="soft">{algorithm.description}</p>}
		{algorithm && algorithm.options.length > 0 && <details>
			<summary>Options of {algorithm.name}</summary>
			<div class="row">{algorithm.options.map((option) => <OptionInput key={option.name} option={option}
				value={chosen!.options?.[option.name]} faults={under(faults, `/${member}/options/${option.name}`)} set={(value) => {
					const options = { ...chosen!.options };
					if (value === undefined)
						delete options[option.name];
					else
						options[option.name] = value;
					put({ ...chosen!, options });
				}} />)}</div>
		</details>}
	</fieldset>;
}

const LIMITS: [keyof Limits, string, string][] = [
	['max_trials', 'Trials at most', 'none if empty'], ['concurrency', 'Running at once', 'no bound if empty'],
	['max_duration', 'Time in all', 'like 5h or 90m'], ['max_trial_duration', 'Time of a trial', 'like 30m'],
	['max_retries', 'Retries of a lost trial', ''], ['target', 'Stop at the value', ''], ['patience', 'Stop without progress', 'after so many trials'],
];

export function LimitFields({ limits, change, faults }: { limits: Limits; change: (limits: Limits) => void; faults: Fault[] }) {
	return <div class="row">{LIMITS.map(([name, label, help]) => <Input key={name} label={label} help={help} faults={under(faults, `/limits/${name}`)}
		value={limits[name] === undefined || limits[name] === null ? '' : String(limits[name])} onText={(text) => {
			const { [name]: _, ...rest } = limits;
			const value = /^-?[\d.]+(e[-+]?\d+)?$/i.test(text.trim()) ? Number(text) : text.trim();
			change(text.trim() === '' ? rest : { ...rest, [name]: value });
		}} />)}</div>;
}

function Form(props: FormProps) {
	const { spec, change, faults } = props;
	return <>
		<div class="row"><Input wide label="Name" required value={spec.name ?? ''} faults={under(faults, '/name')} onText={(name) => change({ ...spec, name })} /></div>
		<Space {...props} />
		<Objectives {...props} />
		<AlgorithmFields title="Tuner" member="tuner" list={props.tuners} form={props} none="by the number of objectives" />
		<AlgorithmFields title="Assessor" member="assessor" list={props.assessors} form={props} none="none: no early stopping" />
		<fieldset>
			<legend>Limits</legend>
			<LimitFields limits={spec.limits ?? {}} faults={faults} change={(limits) => change({ ...spec, limits })} />
		</fieldset>
	</>;
}

export function CreatePage({ query }: { query: URLSearchParams }) {
	const from = query.get('from');
	const source = useLoad<Experiment>(from, (signal) => call(experimentPath(from!), { signal }));
	const [text, setText] = useState(toText(EXAMPLE));
	const [mode, setMode] = useState<'form' | 'json'>('form');
	const [edition, setEdition] = useState(0);
	const tuners = useLoad<Page<Algorithm>>('tuners', () => call('/v1/tuners'));
	const assessors = useLoad<Page<Algorithm>>('assessors', () => call('/v1/assessors'));
	useEffect(() => {
		if (!source.data)
			return;
		const { name, search_space, objectives, constraints, parameter_constraints, canonical, tuner, assessor, limits, labels, note } = source.data;
		setText(toText({ name, search_space, objectives, constraints, parameter_constraints, canonical, tuner, assessor, limits, labels, note }));
		setEdition((n) => n + 1);
	}, [source.data]);
	const checked = useValidation(text);
	const { busy, problem, run } = useAction();
	const spec = useMemo(() => {
		try {
			const value = JSON.parse(text);
			return value && typeof value === 'object' && !Array.isArray(value) ? value as Spec : null;
		} catch {
			return null;
		}
	}, [text]);
	const nni = useMemo(() => spec && fromNni(spec as unknown as Record<string, Json>), [spec]);
	const create = () => run(async () => {
		const made = await post<Experiment>('/v1/experiments', text);
		go(href(['experiments', made.id]));
	});
	const faults = checked?.faults ?? [];
	return <>
		<Title text="New experiment" />
		<div class="buttons" role="group" aria-label="How to write it">
			<button type="button" aria-pressed={mode === 'form'} disabled={!spec} onClick={() => {
				setMode('form');
				setEdition((n) => n + 1);
			}}>Form</button>
			<button type="button" aria-pressed={mode === 'json'} onClick={() => setMode('json')}>JSON</button>
		</div>
		<Trouble problem={source.problem} />
		{mode === 'form' && spec
			? <Form key={edition} spec={spec} change={(next) => setText(toText(next))} faults={faults}
				tuners={tuners.data?.items ?? []} assessors={assessors.data?.items ?? []} />
			: <Field label="The experiment as JSON" help="Paste one here; NNI's configuration as JSON can be converted.">{(id, help) =>
				<textarea id={id} class="code" aria-describedby={help} spellcheck={false} value={text} aria-invalid={faults.length > 0 || undefined}
					onInput={(event) => setText(event.currentTarget.value)} />}</Field>}
		{nni && <p class="notice">This is a configuration of NNI. <button type="button" onClick={() => setText(toText(nni))}>Convert it</button></p>}
		<div role="status" aria-live="polite">
			{!checked ? <p class="soft">Checking…</p> : checked.valid ? <p class="good">The server takes it.</p> : <>
				<p class="bad">{faults.length} {faults.length === 1 ? 'fault' : 'faults'}:</p>
				<Faults faults={faults} />
			</>}
		</div>
		<Trouble problem={checked?.problem ?? null} />
		<Trouble problem={problem} />
		<p class="buttons">
			<button type="button" class="primary" disabled={busy || !checked?.valid} onClick={create}>Create</button>
			<a class="button" href={href(['experiments'])}>Cancel</a>
		</p>
	</>;
}
