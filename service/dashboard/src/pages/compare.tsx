// Several experiments beside each other: the best so far of each, and where they differ.
import { call, experimentPath } from '../api';
import { Chart } from '../chart';
import { axis, grid, scaleType, tooltip } from '../charts/history';
import { number, numeric, plural } from '../format';
import { useLoad } from '../hooks';
import { href } from '../router';
import type { Experiment, Progress } from '../types';
import { Badge, Loading, Title, Trouble } from '../ui';

export const MOST = 8; // as many as there are colours

interface Both { experiment: Experiment; progress: Progress }

const label = (both: Both, all: Both[]) =>
	all.some((other) => other !== both && other.experiment.name === both.experiment.name)
		? `${both.experiment.name} (${both.experiment.id.slice(4, 10)})` : both.experiment.name;

const FACTS: [string, (both: Both) => string][] = [
	['Best', ({ experiment }) => number(experiment.best?.value)],
	['Goal', ({ experiment }) => experiment.objectives.map((objective) => `${objective.goal} ${objective.name}`).join(', ')],
	['Results', ({ progress }) => String(progress.finished)],
	['Tuner', ({ experiment }) => experiment.tuner.name],
	['Tuner options', ({ experiment }) => JSON.stringify(experiment.tuner.options ?? {})],
	['Assessor', ({ experiment }) => experiment.assessor?.name ?? 'none'],
	['Parameters', ({ experiment }) => Object.keys(experiment.search_space).join(', ')],
];

export function ComparePage({ query }: { query: URLSearchParams }) {
	const ids = [...new Set((query.get('ids') ?? '').split(',').filter(Boolean))].slice(0, MOST);
	const loaded = useLoad<Both[]>(ids.join(), (signal) => Promise.all(ids.map(async (id) => {
		const [experiment, progress] = await Promise.all([call<Experiment>(experimentPath(id), { signal }),
			call<Progress>(`${experimentPath(id)}/progress?points=1000`, { signal })]);
		return { experiment, progress };
	})));
	const all = loaded.data;
	const names = all?.map((both) => label(both, all)) ?? [];
	const best = (both: Both) => both.progress.items.filter((item) => Number.isFinite(numeric(item.best)));
	return <>
		<Title text="Compare experiments" />
		<Trouble problem={loaded.problem} again={loaded.reload} />
		{!ids.length && <p>Choose some in the <a href={href(['experiments'])}>list of experiments</a>.</p>}
		{ids.length > 0 && !all && !loaded.problem && <Loading what="the experiments" />}
		{all && all.length > 0 && <>
			<Chart name="comparison" height={420} deps={[all]} summary={`The best so far of ${plural(all.length, 'experiment')}: ${names.map((name, i) => `${name} ${number(all[i].experiment.best?.value)}`).join(', ')}.`}
				table={() => [['experiment', 'finished', 'best'], ...all.flatMap((both) => best(both).map((item) => [both.experiment.id, item.finished, item.best]))]}
				option={(c) => ({
					grid, legend: { data: names, textStyle: { color: c.ink }, top: 0, type: 'plain' }, tooltip: tooltip(c, { trigger: 'axis', valueFormatter: (value: unknown) => number(value) }),
					xAxis: axis(c, { type: 'value', name: 'results', nameLocation: 'middle', nameGap: 28, min: 1, minInterval: 1 }),
					yAxis: axis(c, { type: scaleType(all.flatMap((both) => best(both).map((item) => numeric(item.best)))), name: 'best so far', scale: true }),
					series: all.map((both, i) => ({ name: names[i], type: 'line', step: 'end', showSymbol: false, data: best(both).map((item) => [item.finished, item.best]) })),
				})} />
			<div class="scroll" tabIndex={0} role="region" aria-label="Differences">
				<table>
					<thead><tr><th scope="col">What</th>{all.map((both, i) => <th key={both.experiment.id} scope="col"><a href={href(['experiments', both.experiment.id])}>{names[i]}</a></th>)}</tr></thead>
					<tbody>
						<tr><th scope="row">Status</th>{all.map((both) => <td key={both.experiment.id}><Badge state={both.experiment.status} reason={both.experiment.reason} /></td>)}</tr>
						{FACTS.map(([name, of]) => <tr key={name}><th scope="row">{name}</th>{all.map((both) => <td key={both.experiment.id} class="wrap">{of(both)}</td>)}</tr>)}
					</tbody>
				</table>
			</div>
		</>}
	</>;
}
