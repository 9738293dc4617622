// Charts of results against parameters.
import type { Colors, Option } from '../chart';
import { duration, number } from '../format';
import type { Row, Trials } from '../trials';
import { axis, grid, scaleType, tooltip } from './history';

type Value = string | number | null;

export interface Dimension { name: string; of: (row: Row) => Value }

export const parameterOf = (trials: Trials, name: string): Dimension => {
	const i = trials.parameters.indexOf(name);
	return { name, of: (row) => row.parameters[i] ?? null };
};
export const objectiveOf = (trials: Trials, name: string): Dimension => {
	const i = trials.objectives.indexOf(name);
	return { name, of: (row) => Number.isFinite(row.values[i]) ? row.values[i] : null };
};

const isNumeric = (rows: Row[], dimension: Dimension) => rows.every((row) => {
	const value = dimension.of(row);
	return value === null || typeof value === 'number';
});

const categories = (rows: Row[], dimension: Dimension) =>
	[...new Set(rows.map((row) => dimension.of(row)).filter((value) => value !== null).map(String))].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));

/** A handful of values that many trials share, such as batch sizes, are better apart than to scale. */
const FEW = 6;

function axisOf(rows: Row[], dimension: Dimension, result = false): object {
	const few = () => {
		const some = categories(rows, dimension).length;
		return !result && some > 1 && some <= FEW && rows.length > 2 * some;
	};
	if (!isNumeric(rows, dimension) || few())
		return { type: 'category', data: categories(rows, dimension) };
	return { type: scaleType(rows.map((row) => dimension.of(row)).filter((value): value is number => value !== null)), scale: true };
}

/** As the axis takes it: a number on an axis of categories would be an index. */
const valueOn = (of: object, value: Value): string | number =>
	value === null ? '-' : 'data' in of ? String(value) : value;

const range = (values: number[]): [number, number] => {
	let low = Infinity;
	let high = -Infinity;
	for (const value of values) {
		low = Math.min(low, value);
		high = Math.max(high, value);
	}
	return low < high ? [low, high] : [low - 1, low + 1];
};

const colours = (c: Colors, goal: string | undefined) =>
	goal === 'minimize' ? [c.series[0], c.series[2], c.line] : [c.line, c.series[2], c.series[0]];

function visualMap(c: Colors, rows: Row[], objective: Dimension, goal: string | undefined, dimension: number): object {
	const [min, max] = range(rows.map((row) => objective.of(row) as number));
	return { type: 'continuous', min, max, dimension, text: [number(max), number(min)], textStyle: { color: c.ink }, calculable: false,
		inRange: { color: colours(c, goal) }, orient: 'vertical', right: 0, top: 'middle', itemHeight: 120 };
}

const MOST_LINES = 1500;

/** Evenly thinned, first and last kept: a picture of more lines shows no more. */
export function thinned<T>(list: T[], most: number): T[] {
	if (list.length <= most)
		return list;
	return Array.from({ length: most }, (_, i) => list[Math.round(i * (list.length - 1) / (most - 1))]);
}

export const linesOf = (rows: Row[]) => thinned(rows, MOST_LINES);

/** Each trial a line over its parameters, coloured by the objective, which is the last axis. */
export function parallel(rows: Row[], dimensions: Dimension[], objective: Dimension, goal: string | undefined, c: Colors): Option {
	const all = [...dimensions, objective];
	const shown = linesOf(rows);
	const axes = all.map((dimension) => axisOf(rows, dimension, dimension === objective));
	return {
		parallel: { left: 48, right: 150, top: 48, bottom: 32, parallelAxisDefault: {
			nameTextStyle: { color: c.ink }, axisLabel: { color: c.soft }, axisLine: { lineStyle: { color: c.soft } }, nameGap: 16,
			areaSelectStyle: { color: c.series[2], opacity: 0.25, borderColor: c.series[2] },
		} },
		parallelAxis: all.map((dimension, dim) => ({ dim, name: dimension.name, ...axes[dim] })),
		visualMap: rows.length ? visualMap(c, rows, objective, goal, all.length - 1) : undefined,
		series: [{ type: 'parallel', smooth: false, lineStyle: { width: 1, opacity: shown.length > 500 ? 0.25 : 0.6 }, inactiveOpacity: 0.03, activeOpacity: 0.9,
			progressive: 500, data: shown.map((row) => all.map((dimension, i) => valueOn(axes[i], dimension.of(row)))) }],
	};
}

const points = (c: Colors, x: object, y: object, more: object): Option => ({
	grid: { ...grid, right: 90 }, xAxis: axis(c, x), yAxis: axis(c, y), dataZoom: [{ type: 'inside', filterMode: 'none' }], ...more,
});

/** The objective against one parameter, the later the darker. */
export function slice(rows: Row[], x: Dimension, y: Dimension, c: Colors): Option {
	const some = rows.filter((row) => x.of(row) !== null && y.of(row) !== null);
	const [min, max] = range(some.map((row) => row.trial));
	const ax = axisOf(some, x);
	return points(c, { ...ax, name: x.name, nameLocation: 'middle', nameGap: 28 }, { ...axisOf(some, y, true), name: y.name }, {
		tooltip: tooltip(c, { formatter: ({ data }: { data: Value[] }) => `trial ${data[2]}\n${x.name} ${data[0]}\n${y.name} ${number(data[1])}` }),
		visualMap: { type: 'continuous', min, max, dimension: 2, text: [`trial ${max}`, `${min}`], textStyle: { color: c.ink }, calculable: false,
			inRange: { color: [c.line, c.series[2]] }, right: 0, top: 'middle', itemHeight: 120 },
		series: [{ type: 'scatter', symbolSize: 6, large: some.length > 5000, data: some.map((row) => [valueOn(ax, x.of(row)), y.of(row), row.trial]) }],
	});
}

/** Two parameters, coloured by the objective. */
export function pair(rows: Row[], x: Dimension, y: Dimension, objective: Dimension, goal: string | undefined, c: Colors): Option {
	const some = rows.filter((row) => x.of(row) !== null && y.of(row) !== null && objective.of(row) !== null);
	const [ax, ay] = [axisOf(some, x), axisOf(some, y)];
	return points(c, { ...ax, name: x.name, nameLocation: 'middle', nameGap: 28 }, { ...ay, name: y.name }, {
		tooltip: tooltip(c, { formatter: ({ data }: { data: Value[] }) =>
			`trial ${data[3]}\n${x.name} ${data[0]}\n${y.name} ${data[1]}\n${objective.name} ${number(data[2])}` }),
		visualMap: some.length ? visualMap(c, some, objective, goal, 2) : undefined,
		series: [{ type: 'scatter', symbolSize: 7, data: some.map((row) => [valueOn(ax, x.of(row)), valueOn(ay, y.of(row)), objective.of(row), row.trial]) }],
	});
}

/** Two objectives; the front in front. */
export function front(rows: Row[], members: Set<number>, x: Dimension, y: Dimension, c: Colors): Option {
	const some = rows.filter((row) => x.of(row) !== null && y.of(row) !== null);
	const of = (list: Row[]) => list.map((row) => [x.of(row), y.of(row), row.trial]);
	return {
		grid, legend: { data: ['dominated', 'front'], textStyle: { color: c.ink }, top: 0 },
		tooltip: tooltip(c, { formatter: ({ data }: { data: number[] }) => `trial ${data[2]}\n${x.name} ${number(data[0])}\n${y.name} ${number(data[1])}` }),
		xAxis: axis(c, { ...axisOf(some, x, true), name: x.name, nameLocation: 'middle', nameGap: 28 }), yAxis: axis(c, { ...axisOf(some, y, true), name: y.name }),
		dataZoom: [{ type: 'inside', filterMode: 'none' }],
		series: [
			{ name: 'dominated', type: 'scatter', symbolSize: 5, itemStyle: { color: c.series[7], opacity: 0.6 }, data: of(some.filter((row) => !members.has(row.trial))) },
			{ name: 'front', type: 'scatter', symbol: 'diamond', symbolSize: 10, itemStyle: { color: c.series[1] }, data: of(some.filter((row) => members.has(row.trial))) },
		],
	};
}

/** The share of results that are at least as good as a value. */
export function edf(values: number[], name: string, goal: string | undefined, c: Colors): Option {
	const sorted = values.slice().sort((a, b) => goal === 'minimize' ? a - b : b - a);
	const data = thinned(sorted.map((value, i) => [value, (i + 1) / sorted.length]), 2000);
	return {
		grid, tooltip: tooltip(c, { trigger: 'axis', valueFormatter: (value: unknown) => number(value) }),
		xAxis: axis(c, { type: scaleType(values), name, nameLocation: 'middle', nameGap: 28, scale: true }),
		yAxis: axis(c, { type: 'value', name: 'share at least as good', min: 0, max: 1 }),
		series: [{ type: 'line', step: goal === 'minimize' ? 'end' : 'start', showSymbol: false, lineStyle: { color: c.series[0] }, data: goal === 'minimize' ? data : data.reverse() }],
	};
}

export interface Timed { worker: string; trial: number; state: string; from: number; to: number }

/** When each worker had which trial. */
export function timeline(rows: Timed[], c: Colors): Option {
	const workers = [...new Set(rows.map((row) => row.worker))];
	const fill: Record<string, string> = { succeeded: c.series[0], failed: c.series[5], lost: c.series[5], stopped: c.series[1], running: c.series[2] };
	return {
		grid, tooltip: tooltip(c, { formatter: ({ data }: { data: number[] }) => `trial ${data[3]}\n${workers[data[0]]}\n${duration(data[2] - data[1])}` }),
		xAxis: axis(c, { type: 'time' }), yAxis: axis(c, { type: 'category', data: workers.map((worker) => worker || 'unknown') }),
		dataZoom: [{ type: 'inside', filterMode: 'weakFilter' }],
		series: [{ type: 'custom', encode: { x: [1, 2], y: 0 }, data: rows.map((row) => [workers.indexOf(row.worker), row.from, row.to, row.trial, row.state]),
			renderItem: (_: unknown, api: { value: (i: number) => number; ordinalRawValue?: unknown; coord: (p: number[]) => number[]; size: (p: number[]) => number[] }) => {
				const start = api.coord([api.value(1), api.value(0)]);
				const end = api.coord([api.value(2), api.value(0)]);
				const height = Math.max(2, Math.min(24, api.size([0, 1])[1] * 0.7));
				return { type: 'rect', shape: { x: start[0], y: start[1] - height / 2, width: Math.max(1, end[0] - start[0]), height },
					style: { fill: fill[String(api.value(4))] ?? c.series[7], stroke: c.back, lineWidth: 0.5 } };
			} }],
	};
}

export function bars(names: string[], values: number[], label: string, c: Colors): Option {
	return {
		grid, tooltip: tooltip(c, { valueFormatter: (value: unknown) => number(value) }),
		xAxis: axis(c, { type: 'value', name: label, nameLocation: 'middle', nameGap: 28 }), yAxis: axis(c, { type: 'category', data: names, inverse: true }),
		series: [{ type: 'bar', data: values, itemStyle: { color: c.series[0] }, barMaxWidth: 22 }],
	};
}

/** Durations of trials against their numbers. */
export function durations(rows: Row[], c: Colors): Option {
	const some = rows.filter((row) => row.ended > row.started);
	return {
		grid, tooltip: tooltip(c, { formatter: ({ data }: { data: number[] }) => `trial ${data[0]}\n${duration(1000 * data[1])}` }),
		xAxis: axis(c, { type: 'value', name: 'trial', nameLocation: 'middle', nameGap: 28 }),
		yAxis: axis(c, { type: scaleType(some.map((row) => row.ended - row.started)), name: 'seconds' }), dataZoom: [{ type: 'inside', filterMode: 'none' }],
		series: [{ type: 'scatter', symbolSize: 5, large: some.length > 5000, itemStyle: { color: c.series[2] },
			data: some.map((row) => [row.trial, (row.ended - row.started) / 1000]) }],
	};
}
