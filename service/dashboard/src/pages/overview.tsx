// How an experiment stands: numbers, the curve, what matters and what stands out, and its limits.
import { useEffect, useState } from 'preact/hooks';
import { call, experimentPath } from '../api';
import { Chart } from '../chart';
import { history, historyTable } from '../charts/history';
import { between, duration, flatten, number, percent, plural, show, time } from '../format';
import { type LiveExperiment, useLoad, useThrottled } from '../hooks';
import { go, href } from '../router';
import { type Experiment, type Health, type Importance, type Limits, type Progress, type Trial, TRIAL_STATES } from '../types';
import { Badge, Loading, Meter, Trouble, useAction } from '../ui';
import { LimitFields } from './create';

const LEARN_MS = 10000; // a forest over all trials takes longer than a curve

/** Loads again when the experiment changes, at most every so often. */
export function useLive<T>(live: LiveExperiment, path: string, ms: number) {
	const loaded = useLoad<T>(path, (signal) => call(path, { signal }));
	const again = useThrottled(loaded.reload, ms);
	useEffect(() => {
		if (live.tick)
			again();
	}, [live.tick]);
	return loaded;
}

function Counts({ experiment }: { experiment: Experiment }) {
	const counts = experiment.counts;
	const some = TRIAL_STATES.filter((state) => counts[state]);
	const most = experiment.limits.max_trials;
	return <>
		<div class="bar" aria-hidden="true">{some.map((state) => <span key={state} class={state} style={{ flex: counts[state] }} />)}</div>
		<ul class="plain">
			{some.map((state) => <li key={state}><a href={href(['experiments', experiment.id, 'trials'], { state })}>{counts[state].toLocaleString('en')} {state}</a></li>)}
			{!some.length && <li class="soft">No trials yet.</li>}
		</ul>
		{most ? <><p>{counts.handed_out.toLocaleString('en')} of {plural(most, 'trial')} handed out{counts.seeded ? `, ${counts.seeded} seeded` : ''}</p>
			<Meter value={counts.handed_out / most} label={`${counts.handed_out} of ${most} trials`} /></> : null}
	</>;
}

function Best({ live, experiment }: { live: LiveExperiment; experiment: Experiment }) {
	const best = useLive<{ items: Trial[] }>(live, `${experimentPath(experiment.id)}/best?top=1`, 1500);
	const trial = best.data?.items[0];
	if (!trial)
		return best.loading ? <Loading what="the best trial" /> : <p class="soft">No trial has succeeded yet.</p>;
	return <>
		<p><strong style={{ fontSize: '1.6rem' }}>{number(trial.value ?? trial.last_value)}</strong> {experiment.objectives[0].name} in{' '}
			<a href={href(['experiments', experiment.id, 'trials', trial.trial])}>trial {trial.trial}</a></p>
		<dl class="facts">{Object.entries(flatten(trial.parameters)).slice(0, 12).map(([name, value]) => <>
			<dt key={name}>{name}</dt><dd>{show(value)}</dd></>)}</dl>
	</>;
}

function Limit({ live, experiment, mayWrite }: { live: LiveExperiment; experiment: Experiment; mayWrite: boolean }) {
	const [draft, setDraft] = useState<Limits | null>(null);
	const { busy, problem, run, clear } = useAction();
	const limits = experiment.limits ?? {};
	const save = () => run(async () => {
		live.replace(await call<Experiment>(experimentPath(experiment.id), { method: 'PATCH', body: { limits: draft },
			headers: { 'If-Match': `"${experiment.spec_version}"` } }));
		setDraft(null);
	});
	if (!draft)
		return <>
			<dl class="facts">
				{Object.entries(limits).filter(([, value]) => value !== null).map(([name, value]) =>
					<><dt key={name}>{name.replace(/_/g, ' ')}</dt><dd>{String(value)}</dd></>)}
			</dl>
			{!Object.values(limits).some((value) => value !== null) && <p class="soft">No limits.</p>}
			{mayWrite && <p><button type="button" onClick={() => setDraft(Object.fromEntries(
				Object.entries(limits).filter(([, value]) => value !== null)) as Limits)}>Edit the limits</button></p>}
		</>;
	return <form onSubmit={(event) => {
		event.preventDefault();
		save();
	}}>
		<LimitFields limits={draft} change={setDraft} faults={problem?.errors ?? []} />
		<p class="soft">They hold from the next suggestion on. An experiment that was done goes on when there is room again.</p>
		<Trouble problem={problem} />
		<p class="buttons">
			<button class="primary" disabled={busy}>Save the limits</button>
			<button type="button" onClick={() => {
				setDraft(null);
				clear();
			}}>Cancel</button>
		</p>
	</form>;
}

export const WHY: Record<string, string> = { too_few_results: 'Too few results to tell.', results_all_equal: 'All results are equal.' };

function Learnt({ live, experiment }: { live: LiveExperiment; experiment: Experiment }) {
	const at = experimentPath(experiment.id);
	const importance = useLive<Importance>(live, `${at}/importance?method=fanova&top=8`, LEARN_MS);
	const health = useLive<Health>(live, `${at}/health`, LEARN_MS);
	const data = importance.data;
	return <>
		<section class="panel">
			<h2>What matters</h2>
			<Trouble problem={importance.problem} />
			{data?.reason ? <p class="soft">{WHY[data.reason]}</p> : null}
			{data && !data.reason && <table>
				<thead class="visually-hidden"><tr><th>Parameter</th><th>Importance</th><th>Bar</th></tr></thead>
				<tbody>{data.items.map((item) => <tr key={item.parameter}>
					<th scope="row">{item.parameter}</th><td class="number">{percent(item.importance)}</td>
					<td style={{ width: '50%' }}><Meter value={item.importance ?? 0} label={`${item.parameter}: ${percent(item.importance)}`} /></td>
				</tr>)}</tbody>
			</table>}
			<p><a href={href(['experiments', experiment.id, 'charts'], { view: 'importance' })}>More about importance</a></p>
		</section>
		<section class="panel">
			<h2>What stands out</h2>
			<Trouble problem={health.problem} />
			{health.data && (health.data.findings.length ? <ul>{health.data.findings.map((finding) =>
				<li key={finding.message} class={finding.severity === 'warning' ? 'warning' : ''}>{finding.severity === 'warning' && <strong>Warning: </strong>}{finding.message}</li>)}</ul>
				: <p class="soft">Nothing so far.</p>)}
		</section>
	</>;
}

export function OverviewPage({ live, experiment, mayWrite }: { live: LiveExperiment; experiment: Experiment; mayWrite: boolean }) {
	const progress = useLive<Progress>(live, `${experimentPath(experiment.id)}/progress?points=1000`, 1000);
	const durations = progress.data?.durations;
	return <div class="panels">
		<section class="panel">
			<h2>Trials</h2>
			<Counts experiment={experiment} />
			<dl class="facts" style={{ marginTop: '.75rem' }}>
				<dt>Status</dt><dd><Badge state={experiment.status} reason={experiment.reason} /></dd>
				<dt>A trial takes</dt><dd>{durations?.count ? `${duration(durations.mean_ms)} (${duration(durations.shortest_ms)} to ${duration(durations.longest_ms)})` : '–'}</dd>
				<dt>Running for</dt><dd>{duration(between(experiment.created_at, experiment.updated_at))}</dd>
				<dt>Made</dt><dd>{time(experiment.created_at)}</dd>
				<dt>Changed</dt><dd>{time(experiment.updated_at)}</dd>
				<dt>Tuner</dt><dd>{experiment.tuner.name}{experiment.tuner.seed !== undefined && <span class="soft">, seed {experiment.tuner.seed}</span>}</dd>
				<dt>Assessor</dt><dd>{experiment.assessor?.name ?? 'none'}</dd>
				<dt>Version</dt><dd>{experiment.version}</dd>
			</dl>
			{experiment.labels && Object.keys(experiment.labels).length > 0 && <ul class="plain">{Object.entries(experiment.labels).map(([key, value]) =>
				<li key={key}><a href={href(['experiments'], { label: `${key}:${value}` })}>{key}: {value}</a></li>)}</ul>}
		</section>
		<section class="panel"><h2>Best</h2><Best live={live} experiment={experiment} /></section>
		<section class="panel"><h2>Limits</h2><Limit live={live} experiment={experiment} mayWrite={mayWrite} /></section>
		<section class="panel full">
			<h2>Results</h2>
			<Trouble problem={progress.problem} />
			{progress.data && <Chart name={`${experiment.name} history`} height={300} deps={[progress.data]} table={() => historyTable(progress.data!)}
				option={(c) => history(progress.data!, c)} onClick={(data) => Array.isArray(data) && go(href(['experiments', experiment.id, 'trials', data[2]]))}
				summary={`${plural(progress.data.finished, 'result')} of ${progress.data.objective.name}, to ${progress.data.objective.goal}; best ${number(progress.data.items[progress.data.items.length - 1]?.best)}`} />}
		</section>
		<Learnt live={live} experiment={experiment} />
		{experiment.note && <section class="panel full"><h2>Note</h2><pre>{experiment.note}</pre></section>}
	</div>;
}
