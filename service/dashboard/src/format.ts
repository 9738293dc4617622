// Numbers, times and texts as people read them.
import type { Json, MetricValue, Values } from './types';

export function number(value: unknown): string {
	if (typeof value !== 'number')
		return value === null || value === undefined ? '–' : String(value);
	if (Number.isInteger(value) && Math.abs(value) < 1e9)
		return String(value);
	return String(Number(value.toPrecision(6)));
}

/** A metric as a number; NaN where it is none. */
export function numeric(value: MetricValue | null | undefined): number {
	if (typeof value === 'number')
		return value;
	return value === 'inf' ? Infinity : value === '-inf' ? -Infinity : NaN;
}

export function metric(values: Values | null, name: string): MetricValue | null {
	const value = values?.[name];
	return typeof value === 'object' && value ? value.value : value ?? null;
}

export function time(text: string | null | undefined): string {
	return text ? new Date(text).toLocaleString() : '–';
}

const UNITS: [string, number][] = [['d', 86400], ['h', 3600], ['min', 60], ['s', 1]];

/** "2 h 5 min": at most two units; below a second in ms. */
export function duration(ms: number | null | undefined): string {
	if (ms === null || ms === undefined || !Number.isFinite(ms))
		return '–';
	if (ms < 1000)
		return `${Math.round(ms)} ms`;
	let seconds = ms < 60000 ? Math.round(ms / 100) / 10 : Math.round(ms / 1000);
	if (seconds < 60)
		return `${seconds} s`;
	const parts: string[] = [];
	for (const [unit, size] of UNITS) {
		const count = Math.floor(seconds / size);
		if (count && parts.length < 2)
			parts.push(`${count} ${unit}`);
		seconds -= count * size;
	}
	return parts.join(' ');
}

export const between = (from: string | null, to: string | null) =>
	from && to ? Date.parse(to) - Date.parse(from) : null;

export function bytes(size: number): string {
	const units = ['B', 'KiB', 'MiB', 'GiB'];
	let i = 0;
	for (; size >= 1024 && i < units.length - 1; i++)
		size /= 1024;
	return `${i ? size.toFixed(1) : size} ${units[i]}`;
}

export const percent = (share: number | null | undefined) =>
	share === null || share === undefined ? '–' : `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;

export const plural = (n: number, word: string) => `${n.toLocaleString('en')} ${word}${n === 1 ? '' : 's'}`;

/** Parameters by address, as the API's tables name them: {op: {_name: 'conv', k: 3}} gives op and op.k. */
export function flatten(parameters: Record<string, Json>, prefix = '', out: Record<string, Json> = {}): Record<string, Json> {
	for (const [name, value] of Object.entries(parameters)) {
		const address = prefix + name;
		if (value && typeof value === 'object' && !Array.isArray(value) && '_name' in value) {
			const { _name, ...rest } = value;
			out[address] = _name;
			flatten(rest, `${address}.`, out);
		} else {
			out[address] = value;
		}
	}
	return out;
}

export const show = (value: Json | undefined): string =>
	value === undefined || value === null ? '–' : typeof value === 'object' ? JSON.stringify(value)
		: typeof value === 'number' ? number(value) : String(value);
