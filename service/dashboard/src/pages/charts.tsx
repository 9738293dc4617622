// The charts of an experiment; which one, and of what, is in the address.
import { useMemo, useState } from 'preact/hooks';
import { all, experimentPath } from '../api';
import { Chart } from '../chart';
import { history, historyTable } from '../charts/history';
import { type Curve, curves, curvesTable, metricNames } from '../charts/intermediate';
import { bars, durations, edf, front, linesOf, objectiveOf, pair, parallel, parameterOf, slice, timeline } from '../charts/parameters';
import { duration, number, percent, plural } from '../format';
import { type LiveExperiment, useLoad } from '../hooks';
import { go, href, setQuery } from '../router';
import { type LiveTrials, ranked, type Row, search, type Trials } from '../trials';
import type { Experiment, Importance, ParetoFront, Progress, Report } from '../types';
import { Field, Loading, Tabs, Trouble } from '../ui';
import { useLive, WHY } from './overview';

interface Props { live: LiveExperiment; experiment: Experiment; query: URLSearchParams; trials: Trials; objective: string; goal: string | undefined }

interface SelectProps { label: string; name: string; value: string; options: (string | [string, string])[] }

function Select({ label, name, value, options }: SelectProps) {
	return <Field label={label}>{(id) => <select id={id} value={value} onChange={(event) => setQuery({ [name]: event.currentTarget.value })}>
		{options.map((option) => {
			const [key, text] = typeof option === 'string' ? [option, option] : option;
			return <option key={key} value={key}>{text}</option>;
		})}
	</select>}</Field>;
}

const succeeded = (trials: Trials, objective: string) => {
	const i = trials.objectives.indexOf(objective);
	return trials.rows.filter((row) => row.state === 'succeeded' && Number.isFinite(row.values[i]));
};
const open = (experiment: Experiment, k: number) => (data: unknown) =>
	Array.isArray(data) && go(href(['experiments', experiment.id, 'trials', data[k]]));

function History({ live, experiment }: Props) {
	const progress = useLive<Progress>(live, `${experimentPath(experiment.id)}/progress?points=3000`, 1000);
	const data = progress.data;
	if (!data)
		return progress.problem ? <Trouble problem={progress.problem} /> : <Loading what="the curve" />;
	return <Chart name={`${experiment.name} history`} height={460} deps={[data]} option={(c) => history(data, c)} table={() => historyTable(data)} onClick={open(experiment, 2)}
		summary={`${plural(data.finished, 'result')} of ${data.objective.name}, to ${data.objective.goal}; best ${number(data.items[data.items.length - 1]?.best)}. The wheel zooms; a click opens the trial.`} />;
}

/** Among the first k parameters: those that matter most are not known here, so the first ones of the space. */
const MOST_AXES = 12;

function Parallel({ experiment, query, trials, objective, goal }: Props) {
	const top = Number(query.get('top') ?? 100);
	const given = query.get('axes');
	const axes = given !== null ? given.split(',').filter((name) => trials.parameters.includes(name)) : trials.parameters.slice(0, MOST_AXES);
	const order = ranked(trials, trials.objectives.indexOf(objective), goal);
	const rows = order.slice(0, Math.max(1, Math.ceil(order.length * top / 100)));
	const [brushed, setBrushed] = useState<number[] | null>(null);
	const target = objectiveOf(trials, objective);
	const dimensions = axes.map((name) => parameterOf(trials, name));
	const shown = linesOf(rows);
	const toggle = (name: string, on: boolean) => setQuery({ axes: trials.parameters.filter((other) => other === name ? on : axes.includes(other)).join(',') });
	return <>
		<div class="row">
			<Select label="Trials" name="top" value={String(top)} options={[['100', 'all'], ['20', 'best 20 %'], ['5', 'best 5 %'], ['1', 'best 1 %']]} />
		</div>
		<details><summary>Axes ({axes.length} of {trials.parameters.length})</summary>
			<ul class="plain">{trials.parameters.map((name) => <li key={name}><label><input type="checkbox" checked={axes.includes(name)}
				onChange={(event) => toggle(name, event.currentTarget.checked)} /> {name}</label></li>)}</ul>
		</details>
		<Chart name={`${experiment.name} parallel`} height={480} deps={[trials, axes.join(), top, objective]}
			option={(c) => parallel(rows, dimensions, target, goal, c)}
			onReady={(chart) => chart.on('axisareaselected', () => {
				const series = (chart as unknown as { getModel: () => { getSeriesByIndex: (i: number) => { getRawIndicesByActiveState: (state: string) => number[] } } })
					.getModel().getSeriesByIndex(0);
				setBrushed(series.getRawIndicesByActiveState('active'));
			})}
			table={() => [['trial', ...axes, objective], ...rows.map((row) => [row.trial, ...dimensions.map((dimension) => dimension.of(row)), target.of(row)])]}
			summary={`${plural(rows.length, 'trial')}${shown.length < rows.length ? `, ${shown.length} of them drawn` : ''}; each is a line, coloured by ${objective}. Drag along an axis to select.`} />
		{brushed && brushed.length < shown.length && <section>
			<h2>{plural(brushed.length, 'trial')} selected</h2>
			<ul class="plain">{brushed.slice(0, 100).map((i) => shown[i] && <li key={shown[i].trial}>
				<a href={href(['experiments', experiment.id, 'trials', shown[i].trial])}>{shown[i].trial}</a> ({number(target.of(shown[i]))})</li>)}</ul>
		</section>}
	</>;
}

const MOST_CURVES = 20;

function Intermediate({ live, experiment, query, trials, objective, goal }: Props) {
	const which = query.get('which') ?? 'best';
	const filter = query.get('q') ?? '';
	const found = search(trials, filter);
	const keep = new Set(found.map((row) => row.trial));
	const rows = which === 'best' ? ranked(trials, trials.objectives.indexOf(objective), goal).filter((row) => keep.has(row.trial)).slice(0, MOST_CURVES)
		: found.filter((row) => row.state !== 'waiting').slice(-MOST_CURVES);
	const numbers = rows.map((row) => row.trial);
	// Curves of trials that still run grow; the key says when to ask again.
	const running = rows.some((row) => row.state === 'running') ? live.data!.version : 0;
	const loaded = useLoad<Curve[]>(`${numbers.join()} ${running}`, () => Promise.all(numbers.map(async (trial) =>
		({ trial, reports: await all<Report>(`${experimentPath(experiment.id)}/trials/${trial}/metrics`, 1000) }))));
	const [kept, keepCurves] = useState<Curve[] | null>(null);
	if (loaded.data && loaded.data !== kept)
		keepCurves(loaded.data);
	const list = loaded.data ?? kept;
	const names = [...new Set((list ?? []).flatMap((curve) => metricNames(curve.reports)))];
	const name = query.get('metric') ?? (names.includes(objective) ? objective : names[0] ?? objective);
	const some = (list ?? []).filter((curve) => curve.reports.some((report) => name in report.values));
	return <>
		<div class="row">
			<Select label="Trials" name="which" value={which} options={[['best', `the best ${MOST_CURVES}`], ['last', `the last ${MOST_CURVES}`]]} />
			<Select label="Metric" name="metric" value={name} options={names.length ? names : [name]} />
			<Field label="Filter" help="As in the table of trials, such as lr<0.01">{(id, help) => <input id={id} aria-describedby={help} value={filter} spellcheck={false}
				onChange={(event) => setQuery({ q: event.currentTarget.value })} />}</Field>
		</div>
		<Trouble problem={loaded.problem} />
		{!list && !loaded.problem ? <Loading what="intermediate results" /> : some.length
			? <Chart name={`${experiment.name} intermediate`} height={440} deps={[list, name]} option={(c) => curves(some, name, c)} table={() => curvesTable(some, name)}
				summary={`${name} against the step, of ${plural(some.length, 'trial')}.`} />
			: <p class="soft">These trials reported no intermediate values.</p>}
	</>;
}

function ImportanceView({ live, experiment, query, objective }: Props) {
	const method = query.get('method') ?? 'fanova';
	const loaded = useLive<Importance>(live, `${experimentPath(experiment.id)}/importance?method=${method}&objective=${encodeURIComponent(objective)}&top=30`, 10000);
	const data = loaded.data;
	return <>
		<div class="row"><Select label="Measured by" name="method" value={method} options={[['fanova', 'share of the variance (fANOVA)'], ['pedanova', 'best tenth against all (PED-ANOVA)']]} /></div>
		<Trouble problem={loaded.problem} />
		{!data ? !loaded.problem && <Loading what="importance" /> : data.reason ? <p class="soft">{WHY[data.reason]}</p> : <>
			<Chart name={`${experiment.name} importance`} height={Math.max(200, 60 + 30 * data.items.length)} deps={[data]}
				option={(c) => bars(data.items.map((item) => item.parameter), data.items.map((item) => item.importance ?? 0), 'importance', c)}
				table={() => [['parameter', 'importance', 'variance'], ...data.items.map((item) => [item.parameter, item.importance, item.variance])]}
				summary={`By ${data.method} from ${plural(data.used, 'trial')}: ${data.items.slice(0, 3).map((item) => `${item.parameter} ${percent(item.importance)}`).join(', ')}.`} />
			{data.interactions.length > 0 && <><h2>Together</h2><ul>{data.interactions.slice(0, 6).map((item) =>
				<li key={item.parameters.join()}>{item.parameters.join(' and ')}: {percent(item.variance)} of the variance</li>)}</ul></>}
		</>}
	</>;
}

const pick = (query: URLSearchParams, name: string, options: string[], i = 0) => {
	const given = query.get(name);
	return given !== null && options.includes(given) ? given : options[Math.min(i, options.length - 1)] ?? '';
};

function Slice({ experiment, query, trials, objective }: Props) {
	const x = pick(query, 'x', trials.parameters);
	const rows = succeeded(trials, objective);
	const [dx, dy] = [parameterOf(trials, x), objectiveOf(trials, objective)];
	return <>
		<div class="row"><Select label="Parameter" name="x" value={x} options={trials.parameters} /></div>
		<Chart name={`${experiment.name} slice ${x}`} height={440} deps={[trials, x, objective]} option={(c) => slice(rows, dx, dy, c)} onClick={open(experiment, 2)}
			table={() => [['trial', x, objective], ...rows.map((row) => [row.trial, dx.of(row), dy.of(row)])]}
			summary={`${objective} against ${x}, of ${plural(rows.length, 'trial')}; later ones are stronger in colour.`} />
	</>;
}

function Pair({ experiment, query, trials, objective, goal }: Props) {
	const x = pick(query, 'x', trials.parameters);
	const y = pick(query, 'y', trials.parameters, 1);
	const rows = succeeded(trials, objective);
	const [dx, dy, dz] = [parameterOf(trials, x), parameterOf(trials, y), objectiveOf(trials, objective)];
	return <>
		<div class="row">
			<Select label="Across" name="x" value={x} options={trials.parameters} />
			<Select label="Up" name="y" value={y} options={trials.parameters} />
		</div>
		<Chart name={`${experiment.name} ${x} ${y}`} height={460} deps={[trials, x, y, objective]} option={(c) => pair(rows, dx, dy, dz, goal, c)} onClick={open(experiment, 3)}
			table={() => [['trial', x, y, objective], ...rows.map((row) => [row.trial, dx.of(row), dy.of(row), dz.of(row)])]}
			summary={`${y} against ${x}, coloured by ${objective}.`} />
	</>;
}

function Front({ live, experiment, query, trials }: Props) {
	const x = pick(query, 'x', trials.objectives);
	const y = pick(query, 'y', trials.objectives, 1);
	const loaded = useLive<ParetoFront>(live, `${experimentPath(experiment.id)}/pareto?limit=1000`, 3000);
	const members = useMemo(() => new Set((loaded.data?.items ?? []).map((trial) => trial.trial)), [loaded.data]);
	const rows = trials.rows.filter((row) => row.state === 'succeeded');
	const [dx, dy] = [objectiveOf(trials, x), objectiveOf(trials, y)];
	return <>
		<div class="row">
			<Select label="Across" name="x" value={x} options={trials.objectives} />
			<Select label="Up" name="y" value={y} options={trials.objectives} />
		</div>
		<Trouble problem={loaded.problem} />
		<Chart name={`${experiment.name} front`} height={460} deps={[trials, members, x, y]} option={(c) => front(rows, members, dx, dy, c)} onClick={open(experiment, 2)}
			table={() => [['trial', x, y, 'front'], ...rows.map((row) => [row.trial, dx.of(row), dy.of(row), members.has(row.trial)])]}
			summary={`${plural(members.size, 'trial')} on the front of ${rows.length.toLocaleString('en')}; hypervolume ${number(loaded.data?.hypervolume)}.`} />
	</>;
}

function Edf({ experiment, trials, objective, goal }: Props) {
	const values = succeeded(trials, objective).map((row) => row.values[trials.objectives.indexOf(objective)]);
	return <Chart name={`${experiment.name} distribution`} height={400} deps={[trials, objective]} option={(c) => edf(values, objective, goal, c)}
		table={() => [[objective], ...values.map((value) => [value])]} summary={`The distribution of ${plural(values.length, 'result')} of ${objective}.`} />;
}

function Durations({ experiment, trials }: Props) {
	const some = trials.rows.filter((row) => row.ended > row.started);
	const mean = some.reduce((sum, row) => sum + row.ended - row.started, 0) / some.length;
	return <Chart name={`${experiment.name} durations`} height={400} deps={[trials]} option={(c) => durations(trials.rows, c)} onClick={open(experiment, 0)}
		table={() => [['trial', 'seconds'], ...some.map((row) => [row.trial, (row.ended - row.started) / 1000])]}
		summary={`How long ${plural(some.length, 'trial')} took: ${duration(mean)} on average.`} />;
}

const MOST_BLOCKS = 5000;

function Timeline({ experiment, trials }: Props) {
	const end = (row: Row) => Number.isFinite(row.ended) ? row.ended : Date.now();
	const some = trials.rows.filter((row) => Number.isFinite(row.started)).slice(-MOST_BLOCKS)
		.map((row) => ({ worker: row.worker, trial: row.trial, state: row.state, from: row.started, to: end(row) }));
	const workers = new Set(some.map((row) => row.worker)).size;
	return <Chart name={`${experiment.name} timeline`} height={Math.max(200, Math.min(900, 90 + 34 * workers))} deps={[trials]} option={(c) => timeline(some, c)} onClick={open(experiment, 3)}
		table={() => [['worker', 'trial', 'state', 'from', 'to'], ...some.map((row) => [row.worker, row.trial, row.state, new Date(row.from).toISOString(), new Date(row.to).toISOString()])]}
		summary={`When ${plural(workers, 'worker')} ran which trial.`} />;
}

const VIEWS: Record<string, [string, (props: Props) => preact.JSX.Element]> = {
	history: ['History', History], parallel: ['Parallel coordinates', Parallel], intermediate: ['Intermediate results', Intermediate],
	importance: ['Importance', ImportanceView], slice: ['Slice', Slice], pair: ['Two parameters', Pair], front: ['Pareto front', Front],
	edf: ['Distribution', Edf], durations: ['Durations', Durations], timeline: ['Workers', Timeline],
};
/** The curve and importance come from the server; the others are drawn from all trials. */
const OF_SERVER = ['history', 'importance'];
export const needsTrials = (query: URLSearchParams) => !OF_SERVER.includes(query.get('view') ?? 'history');
const OF_FIRST_OBJECTIVE = ['history', 'front', 'durations', 'timeline'];

export function ChartsPage({ live, experiment, trials: table, query }: { live: LiveExperiment; experiment: Experiment; trials: LiveTrials; query: URLSearchParams }) {
	const view = query.get('view') ?? 'history';
	const several = experiment.objectives.length > 1;
	const names = experiment.objectives.map((objective) => objective.name);
	const objective = pick(query, 'objective', names);
	const goal = experiment.objectives.find((item) => item.name === objective)?.goal;
	const [, View] = VIEWS[view] ?? VIEWS.history;
	const trials = table.trials ?? (needsTrials(query) ? null : { objectives: names, parameters: [], rows: [] });
	return <>
		<Tabs label="Charts" items={Object.entries(VIEWS).filter(([key]) => several || key !== 'front').map(([key, [text]]) =>
			({ text, href: href(['experiments', experiment.id, 'charts'], { view: key, objective: query.get('objective') }), current: key === view }))} />
		{several && !OF_FIRST_OBJECTIVE.includes(view) && <div class="row"><Select label="Objective" name="objective" value={objective} options={names} /></div>}
		<Trouble problem={table.problem} />
		{trials ? <View key={view} live={live} experiment={experiment} query={query} trials={trials} objective={objective} goal={goal} />
			: !table.problem && <Loading what="trials" />}
	</>;
}
