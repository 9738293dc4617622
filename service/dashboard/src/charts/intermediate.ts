import type { Colors, Option } from '../chart';
import { metric, number, numeric } from '../format';
import type { Report } from '../types';
import { axis, grid, tooltip } from './history';

export const metricNames = (list: Report[]) => [...new Set(list.flatMap((report) => Object.keys(report.values)))];

const pointsOf = (list: Report[], name: string) => list.filter((report) => name in report.values && !report.late)
	.map((report, i) => [report.step ?? i, numeric(metric(report.values, name))]).filter(([, value]) => Number.isFinite(value));

const lines = (c: Colors, y: string, series: object[], names: string[]): Option => ({
	grid, legend: { data: names, type: 'plain', textStyle: { color: c.ink }, top: 0 },
	tooltip: tooltip(c, { trigger: 'item', formatter: ({ seriesName, data }: { seriesName: string; data: number[] }) => `${seriesName}\nstep ${data[0]}: ${number(data[1])}` }),
	xAxis: axis(c, { type: 'value', name: 'step', nameLocation: 'middle', nameGap: 28, min: 'dataMin', minInterval: 1 }),
	yAxis: axis(c, { type: 'value', name: y, scale: true }), dataZoom: [{ type: 'inside', filterMode: 'none' }], series,
});

/** The metrics of one trial. */
export function reports(list: Report[], c: Colors): Option {
	const names = metricNames(list);
	return lines(c, '', names.map((name) => ({ name, type: 'line', symbolSize: 5, showSymbol: list.length < 60, data: pointsOf(list, name) })), names);
}

export const reportsTable = (list: Report[]): unknown[][] => [['attempt', 'step', 'metric', 'value', 'late', 'at'],
	...list.flatMap((report) => Object.keys(report.values).map((name) => [report.attempt, report.step, name, metric(report.values, name), report.late, report.at]))];

export interface Curve { trial: number; reports: Report[] }

/** One metric of several trials. */
export function curves(list: Curve[], name: string, c: Colors): Option {
	const names = list.map((curve) => `trial ${curve.trial}`);
	return lines(c, name, list.map((curve, i) => ({ name: names[i], type: 'line', symbolSize: 4, showSymbol: curve.reports.length < 60,
		data: pointsOf(curve.reports, name) })), names.length <= 12 ? names : []);
}

export const curvesTable = (list: Curve[], name: string): unknown[][] => [['trial', 'step', name],
	...list.flatMap((curve) => pointsOf(curve.reports, name).map(([step, value]) => [curve.trial, step, value]))];
