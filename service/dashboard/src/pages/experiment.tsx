// One experiment: its head with what can be done to it, and the pages below it.
import { useState } from 'preact/hooks';
import { call, experimentPath, post } from '../api';
import { type LiveExperiment, useExperiment } from '../hooks';
import { go, href, type Route } from '../router';
import { type LiveTrials, useTrials } from '../trials';
import type { Experiment } from '../types';
import { Badge, Confirm, Field, Loading, Tabs, Title, Trouble, useAction } from '../ui';
import { ChartsPage, needsTrials } from './charts';
import { ConfigPage } from './config';
import { OverviewPage } from './overview';
import { TrialPage } from './trial';
import { TrialsPage } from './trials';

interface Props { id: string; route: Route; mayWrite: boolean }

function Actions({ live, experiment }: { live: LiveExperiment; experiment: Experiment }) {
	const { busy, problem, run } = useAction();
	const [asked, ask] = useState<'stop' | 'delete' | 'clone' | null>(null);
	const [name, setName] = useState('');
	const at = experimentPath(experiment.id);
	const change = (verb: string) => run(async () => live.replace(await post<Experiment>(`${at}/${verb}`)));
	const status = experiment.status;
	const questions = {
		stop: { text: `Stop ${experiment.name}? Workers are told to stop with their next report. It can be resumed.`, action: 'Stop' },
		delete: { text: `Delete ${experiment.name} with its ${experiment.counts.total} trials, logs and artifacts? This cannot be undone.`, action: 'Delete' },
		clone: { text: 'The same experiment again, without its trials.', action: 'Clone' },
	};
	const done = (yes: boolean) => {
		const what = asked;
		ask(null);
		if (!yes)
			return;
		if (what === 'stop')
			change('stop');
		else if (what === 'delete')
			run(async () => {
				await call(at, { method: 'DELETE' });
				go(href(['experiments']));
			});
		else
			run(async () => {
				const made = await post<Experiment>(`${at}/clone`, { name: name || null });
				go(href(['experiments', made.id]));
			});
	};
	return <>
		<div class="buttons" role="group" aria-label="Actions">
			{status === 'running' && <button type="button" disabled={busy} onClick={() => change('pause')}>Pause</button>}
			{(status === 'paused' || status === 'stopped') && <button type="button" disabled={busy} onClick={() => change('resume')}>Resume</button>}
			{(status === 'running' || status === 'paused') && <button type="button" disabled={busy} onClick={() => ask('stop')}>Stop</button>}
			<button type="button" disabled={busy} onClick={() => {
				setName(`${experiment.name} again`.slice(0, 190));
				ask('clone');
			}}>Clone</button>
			<a class="button" href={href(['experiments', 'new'], { from: experiment.id })}>Clone and edit</a>
			<a class="button" href={`${at}/export`} download={`${experiment.id}.ndjson`}>Export</a>
			<button type="button" class="danger" disabled={busy} onClick={() => ask('delete')}>Delete</button>
		</div>
		<Trouble problem={problem} />
		{asked && <Confirm {...questions[asked]} onDone={done}>
			{asked === 'clone' && <Field label="Name of the clone">{(id) =>
				<input id={id} value={name} maxLength={200} onInput={(event) => setName(event.currentTarget.value)} />}</Field>}
		</Confirm>}
	</>;
}

type BelowProps = Omit<Props, 'id'> & { live: LiveExperiment; experiment: Experiment; trials: LiveTrials };

function Below({ route, live, experiment, trials, mayWrite }: BelowProps) {
	const [, , tab, number] = route.path;
	switch (tab) {
	case undefined:
		return <OverviewPage live={live} experiment={experiment} mayWrite={mayWrite} />;
	case 'charts':
		return <ChartsPage live={live} experiment={experiment} trials={trials} query={route.query} />;
	case 'trials':
		return number !== undefined ? <TrialPage key={number} live={live} experiment={experiment} number={number} mayWrite={mayWrite} />
			: <TrialsPage experiment={experiment} trials={trials} query={route.query} />;
	case 'config':
		return <ConfigPage live={live} experiment={experiment} mayWrite={mayWrite} />;
	default:
		return <p>There is no such page. <a href={href(['experiments', experiment.id])}>Overview</a></p>;
	}
}

export function ExperimentPage({ id, route, mayWrite }: Props) {
	const live = useExperiment(id);
	const experiment = live.data;
	const [, , tab, number] = route.path;
	const trials = useTrials(live, (tab === 'charts' && needsTrials(route.query)) || (tab === 'trials' && number === undefined));
	if (live.deleted)
		return <><Title text="Deleted" /><p>This experiment was deleted. <a href={href(['experiments'])}>All experiments</a></p></>;
	if (!experiment)
		return live.problem ? <><Title text="No experiment" /><Trouble problem={live.problem} again={live.reload} /></> : <Loading what="the experiment" />;
	const items = [['Overview'], ['Charts', 'charts'], ['Trials', 'trials'], ['Configuration', 'config']].map(([text, path]) =>
		({ text, href: href(path ? ['experiments', id, path] : ['experiments', id]), current: tab === path }));
	return <>
		<p class="soft"><a href={href(['experiments'])}>Experiments</a> / <code>{experiment.id}</code></p>
		<Title text={experiment.name}>{experiment.name} <Badge state={experiment.status} reason={experiment.reason} /></Title>
		{live.lost && <p class="notice" role="status">{live.lost === 'waiting'
			? 'The connection to the server is gone; trying again.' : 'The server sends no more changes. Load the page again.'}</p>}
		{mayWrite && <Actions live={live} experiment={experiment} />}
		<Tabs label="Pages of this experiment" items={items} />
		<Below route={route} live={live} experiment={experiment} trials={trials} mayWrite={mayWrite} />
	</>;
}
