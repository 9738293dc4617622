// One trial: what it was given and why, what it reported, what became of it.
import { useEffect, useRef, useState } from 'preact/hooks';
import { all, call, experimentPath, post, send } from '../api';
import { Chart } from '../chart';
import { metricNames, reports, reportsTable } from '../charts/intermediate';
import { between, bytes, duration, flatten, number, plural, show, time } from '../format';
import { type LiveExperiment, useLoad, useThrottled } from '../hooks';
import { href } from '../router';
import type { Artifact, Experiment, Explanation, Json, Report, Trial, TrialState } from '../types';
import { Badge, Confirm, Copy, Field, Loading, Trouble, useAction } from '../ui';

interface Props { live: LiveExperiment; experiment: Experiment; number: string; mayWrite: boolean }

/** Loads again when this trial changes. */
function useOfTrial<T>(live: LiveExperiment, trial: number, path: string, load: (signal: AbortSignal) => Promise<T>, ms = 700) {
	const loaded = useLoad<T>(path, load);
	const again = useThrottled(loaded.reload, ms);
	useEffect(() => {
		if (live.changed && (live.changed.missed || live.changed.trials.includes(trial)))
			again();
	}, [live.changed]);
	return loaded;
}

const ENDED: TrialState[] = ['succeeded', 'failed', 'stopped', 'lost', 'cancelled'];

function Actions({ at, trial, experiment, reload, mayWrite }: { at: string; trial: Trial; experiment: Experiment; reload: () => void; mayWrite: boolean }) {
	const { busy, problem, run } = useAction();
	const [asked, ask] = useState<'cancel' | 'copy' | null>(null);
	const [text, setText] = useState('');
	const [replayed, setReplayed] = useState<string | null>(null);
	const [made, setMade] = useState<number | null>(null);
	const act = (verb: string) => run(async () => {
		await post(`${at}/${verb}`);
		reload();
	});
	const replay = () => run(async () => {
		const answer = await post<{ equal: boolean }>(`${at}/replay`);
		setReplayed(answer.equal ? 'Computed again from the log: the same parameters.' : 'Computed again, it comes out differently: please report this defect.');
	});
	const submit = () => run(async () => {
		const parameters = JSON.parse(text) as Json;
		setMade((await post<Trial>(`${experimentPath(experiment.id)}/trials`, { parameters })).trial);
	});
	const live = !ENDED.includes(trial.state);
	return <>
		<div class="buttons" role="group" aria-label="Actions on the trial">
			{mayWrite && live && <button type="button" disabled={busy} onClick={() => act('stop')}>Stop early</button>}
			{mayWrite && live && <button type="button" class="danger" disabled={busy} onClick={() => ask('cancel')}>Cancel</button>}
			{mayWrite && !live && trial.state !== 'succeeded' && <button type="button" disabled={busy} onClick={() => act('retry')}>Retry</button>}
			{trial.origin === 'tuner' && <button type="button" disabled={busy} onClick={replay}>Compute again</button>}
			{mayWrite && <button type="button" disabled={busy} onClick={() => {
				setText(JSON.stringify(trial.parameters, null, '\t'));
				setMade(null);
				ask('copy');
			}}>Copy and edit</button>}
			<Copy text={JSON.stringify(trial.parameters)} label="Copy parameters" />
		</div>
		{replayed && <p role="status">{replayed}</p>}
		{made !== null && <p role="status" class="good">It waits as <a href={href(['experiments', experiment.id, 'trials', made])}>trial {made}</a>, to be handed out next.</p>}
		<Trouble problem={problem} />
		{asked === 'cancel' && <Confirm text={`Cancel trial ${trial.trial}? The tuner learns nothing from it.`} action="Cancel the trial" onDone={(yes) => {
			ask(null);
			if (yes)
				act('cancel');
		}} />}
		{asked === 'copy' && <Confirm text="A trial with these parameters, to be handed out next:" action="Submit" onDone={(yes) => {
			ask(null);
			if (yes)
				submit();
		}}>
			<Field label="Parameters as JSON">{(id) => <textarea id={id} class="code" spellcheck={false} style={{ minHeight: '12rem' }}
				value={text} onInput={(event) => setText(event.currentTarget.value)} />}</Field>
		</Confirm>}
	</>;
}

const TAIL = 65536;

/** The end of the log, read on as it grows. */
function Log({ live, at, trial }: { live: LiveExperiment; at: string; trial: Trial }) {
	const [log, setLog] = useState<{ text: string; length: number; from: number } | null>(null);
	const box = useRef<HTMLPreElement>(null);
	const stick = useRef(true);
	const { problem, run } = useAction();
	const state = useRef(log);
	state.current = log;
	const read = () => run(async () => {
		const known = state.current;
		const answer = await send(`${at}/log?${known ? `offset=${known.length}` : `tail=${TAIL}`}`, { accept: 'text/plain' });
		const length = Number(answer.headers.get('Upload-Offset'));
		const data = await answer.arrayBuffer();
		const text = new TextDecoder().decode(data);
		if (known && !data.byteLength)
			return;
		setLog(known ? { text: (known.text + text).slice(-16 * TAIL), length: known.length + data.byteLength, from: known.from }
			: { text, length, from: length - data.byteLength });
	});
	const soon = useThrottled(read, 2000);
	useEffect(() => {
		read();
	}, [at]);
	useEffect(() => {
		if (live.changed?.trials.includes(trial.trial))
			soon();
	}, [live.changed]);
	useEffect(() => {
		if (trial.state !== 'running')
			return undefined;
		const timer = setInterval(() => document.hidden || soon(), 4000); // logs make no events
		return () => clearInterval(timer);
	}, [trial.state]);
	useEffect(() => {
		if (box.current && stick.current)
			box.current.scrollTop = box.current.scrollHeight;
	}, [log]);
	return <section class="panel full">
		<h2>Log</h2>
		<Trouble problem={problem} />
		{log && !log.length && <p class="soft">It has written none.</p>}
		{log && log.length > 0 && <>
			{log.from > 0 && <p class="soft">The last {bytes(log.length - log.from)} of {bytes(log.length)}; <a href={`${at}/log`}>all of it</a></p>}
			<pre ref={box} class="log" tabIndex={0} aria-label="Log of the trial" onScroll={(event) => {
				const element = event.currentTarget;
				stick.current = element.scrollHeight - element.scrollTop - element.clientHeight < 40;
			}}>{log.text}</pre>
		</>}
	</section>;
}

function Metrics({ live, experiment, at, trial }: { live: LiveExperiment; experiment: Experiment; at: string; trial: Trial }) {
	const loaded = useOfTrial<Report[]>(live, trial.trial, `${at}/metrics`, () => all<Report>(`${at}/metrics`, 10000), 1500);
	const list = loaded.data;
	return <section class="panel full">
		<h2>Metrics</h2>
		<Trouble problem={loaded.problem} />
		{list && !list.length && <p class="soft">It reported no intermediate values.</p>}
		{list && list.length > 0 && <Chart name={`${experiment.name} trial ${trial.trial}`} height={280} deps={[list]} option={(c) => reports(list, c)}
			table={() => reportsTable(list)} summary={`${plural(list.length, 'report')} of ${metricNames(list).join(', ')}`} />}
		{trial.values && <dl class="facts">{Object.entries(trial.values).map(([name, value]) =>
			<><dt key={name}>final {name}</dt><dd>{number(typeof value === 'object' ? value.value : value)}{typeof value === 'object' && value.stderr ? ` ± ${number(value.stderr)}` : ''}</dd></>)}</dl>}
	</section>;
}

function Artifacts({ live, at, trial }: { live: LiveExperiment; at: string; trial: Trial }) {
	const loaded = useOfTrial<Artifact[]>(live, trial.trial, `${at}/artifacts`, () => all<Artifact>(`${at}/artifacts`));
	if (!loaded.data?.length)
		return <section class="panel"><h2>Artifacts</h2><Trouble problem={loaded.problem} />{loaded.data && <p class="soft">None.</p>}</section>;
	return <section class="panel">
		<h2>Artifacts</h2>
		<ul>{loaded.data.map((item) => <li key={item.name}>
			<a href={`${at}/artifacts/${encodeURIComponent(item.name)}`} download={item.name}>{item.name}</a> <span class="soft">{bytes(item.size)}, {time(item.updated_at)}</span>
		</li>)}</ul>
	</section>;
}

export function TrialPage({ live, experiment, number: text, mayWrite }: Props) {
	const n = Number(text);
	const at = `${experimentPath(experiment.id)}/trials/${encodeURIComponent(text)}`;
	const loaded = useOfTrial<Trial>(live, n, at, (signal) => call(at, { signal }));
	const why = useOfTrial<Explanation>(live, n, `${at}/explain`, (signal) => call(`${at}/explain`, { signal }), 5000);
	const trial = loaded.data;
	if (!trial)
		return loaded.problem ? <Trouble problem={loaded.problem} /> : <Loading what="the trial" />;
	const other = (k: number, label: string) => k >= 0 && k < experiment.counts.total
		? <a href={href(['experiments', experiment.id, 'trials', k])}>{label}</a> : <span class="soft">{label}</span>;
	return <>
		<div class="row">
			<h2>Trial {trial.trial} <Badge state={trial.state} /></h2>
			<nav aria-label="Other trials" class="buttons">{other(n - 1, 'previous')} {other(n + 1, 'next')}</nav>
		</div>
		<Actions at={at} trial={trial} experiment={experiment} reload={loaded.reload} mayWrite={mayWrite} />
		{trial.message && <p class="notice">{trial.message}</p>}
		<div class="panels" style={{ marginTop: '1rem' }}>
			<section class="panel">
				<h2>Parameters</h2>
				<dl class="facts">{Object.entries(flatten(trial.parameters)).map(([name, value]) => <><dt key={name}>{name}</dt><dd>{show(value)}</dd></>)}</dl>
			</section>
			<section class="panel">
				<h2>What became of it</h2>
				<dl class="facts">
					<dt>{experiment.objectives[0].name}</dt><dd>{number(trial.value ?? trial.last_value)}{trial.value === null && trial.last_value !== null ? ` at step ${trial.last_step}` : ''}</dd>
					{trial.feasible !== null && experiment.constraints?.length ? <><dt>Constraints</dt><dd>{trial.feasible ? 'met' : 'not met'}</dd></> : null}
					<dt>Attempt</dt><dd>{trial.attempt}{trial.retries ? ` (${plural(trial.retries, 'retry').replace('retrys', 'retries')})` : ''}</dd>
					<dt>Worker</dt><dd>{trial.worker ?? '–'}</dd>
					<dt>Started</dt><dd>{time(trial.started_at)}</dd>
					<dt>Ended</dt><dd>{time(trial.ended_at)}</dd>
					<dt>Duration</dt><dd>{duration(between(trial.started_at, trial.ended_at))}</dd>
					{trial.lease_expires_at && trial.state === 'running' && <><dt>Lease until</dt><dd>{time(trial.lease_expires_at)}</dd></>}
					{trial.checkpoint && <><dt>Checkpoint</dt><dd>{trial.checkpoint}</dd></>}
					{trial.resource !== null && <><dt>Resource</dt><dd>{trial.resource}</dd></>}
					{trial.parent !== null && <><dt>Parent</dt><dd><a href={href(['experiments', experiment.id, 'trials', trial.parent])}>trial {trial.parent}</a></dd></>}
				</dl>
			</section>
			<section class="panel">
				<h2>Why these parameters</h2>
				<Trouble problem={why.problem} />
				{why.data && <>
					<p>{why.data.sentence}</p>
					{why.data.meta && <dl class="facts">{Object.entries(why.data.meta).map(([name, value]) => <><dt key={name}>{name}</dt><dd>{show(value)}</dd></>)}</dl>}
				</>}
			</section>
			<Artifacts live={live} at={at} trial={trial} />
			<Metrics live={live} experiment={experiment} at={at} trial={trial} />
			<Log live={live} at={at} trial={trial} />
		</div>
	</>;
}
