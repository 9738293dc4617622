import type { Colors, Option } from '../chart';
import { number, numeric } from '../format';
import type { Progress } from '../types';

export const axis = (c: Colors, more: object = {}) => ({
	nameTextStyle: { color: c.soft }, axisLabel: { color: c.soft }, axisLine: { lineStyle: { color: c.soft } },
	splitLine: { lineStyle: { color: c.line } }, ...more,
});
export const tooltip = (c: Colors, more: object = {}) => ({
	// As text, for the page's policy lets nothing in that carries styles of its own.
	renderMode: 'richText', confine: true, backgroundColor: c.back, borderColor: c.soft, textStyle: { color: c.ink }, ...more,
});
export const grid = { left: 16, right: 24, top: 40, bottom: 32, containLabel: true };

/** An axis of values that spread over powers of ten, all of one sign, is easier to read as a logarithm. */
export function scaleType(values: number[]): 'log' | 'value' {
	let low = Infinity;
	let high = 0;
	for (const value of values) {
		if (value <= 0)
			return 'value';
		low = Math.min(low, value);
		high = Math.max(high, value);
	}
	return high / low > 1000 ? 'log' : 'value';
}

/** Results in the order they came, and the best so far as steps. */
export function history(progress: Progress, c: Colors): Option {
	const points = progress.items.filter((item) => Number.isFinite(numeric(item.value)));
	const best = progress.items.filter((item) => Number.isFinite(numeric(item.best)));
	return {
		grid, legend: { data: ['result', 'best so far'], textStyle: { color: c.ink }, top: 0 },
		tooltip: tooltip(c, { trigger: 'item', formatter: ({ data }: { data: number[] }) => `trial ${data[2]}\n${progress.objective.name} ${number(data[1])}` }),
		xAxis: axis(c, { type: 'value', name: 'results', nameLocation: 'middle', nameGap: 28, min: 'dataMin', minInterval: 1 }),
		yAxis: axis(c, { type: scaleType(points.map((item) => numeric(item.value))), name: progress.objective.name, scale: true }),
		dataZoom: [{ type: 'inside', filterMode: 'none' }],
		series: [
			{ name: 'result', type: 'scatter', symbolSize: 5, large: points.length > 2000, itemStyle: { color: c.series[2], opacity: 0.75 },
				data: points.map((item) => [item.finished, item.value, item.trial]) },
			{ name: 'best so far', type: 'line', step: 'end', showSymbol: false, lineStyle: { width: 2, color: c.series[0] }, itemStyle: { color: c.series[0] },
				data: best.map((item) => [item.finished, item.best, item.best_trial]) },
		],
	};
}

export const historyTable = (progress: Progress): unknown[][] => [['finished', 'trial', 'state', progress.objective.name, 'best', 'best_trial', 'duration_ms', 'at'],
	...progress.items.map((item) => [item.finished, item.trial, item.state, item.value, item.best, item.best_trial, item.duration_ms, item.at])];
