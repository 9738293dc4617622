// Requests to the API. The browser's cookie says who asks (/v1/session); nothing is kept here.
import type { Fault, Page } from './types';

export class Problem extends Error {
	constructor(readonly status: number, readonly title: string, detail: string, readonly errors: Fault[] = []) {
		super(detail);
	}
}

let unauthenticated: () => void = () => {};
/** Called when the server no longer knows us. */
export function onUnauthenticated(listener: () => void) {
	unauthenticated = listener;
}

interface Options { method?: string; body?: unknown; headers?: Record<string, string>; signal?: AbortSignal; accept?: string }

async function problemOf(answer: Response): Promise<Problem> {
	const body = await answer.json().catch(() => ({}));
	return new Problem(answer.status, body.title ?? answer.statusText, body.detail ?? answer.statusText, body.errors);
}

export async function send(path: string, options: Options = {}): Promise<Response> {
	const method = options.method ?? 'GET';
	const headers: Record<string, string> = { Accept: options.accept ?? 'application/json', ...options.headers };
	// The server wants the type of everything that a cookie may change.
	if (method !== 'GET' && !headers['Content-Type'])
		headers['Content-Type'] = 'application/json';
	const body = options.body === undefined || typeof options.body === 'string' ? options.body as string | undefined
		: JSON.stringify(options.body);
	let answer;
	try {
		answer = await fetch(path, { method, headers, body, signal: options.signal });
	} catch (error) {
		if ((error as Error).name === 'AbortError')
			throw error;
		throw new Problem(0, 'No answer', 'The server does not answer.');
	}
	if (answer.ok)
		return answer;
	const problem = await problemOf(answer);
	if (answer.status === 401 && path !== '/v1/session')
		unauthenticated();
	throw problem;
}

export async function call<T>(path: string, options?: Options): Promise<T> {
	const answer = await send(path, options);
	return answer.status === 204 ? undefined as T : answer.json();
}

export const post = <T>(path: string, body?: unknown) => call<T>(path, { method: 'POST', body });

/** All pages of a list, up to a number of items. */
export async function all<T>(path: string, limit = 1000): Promise<T[]> {
	const items: T[] = [];
	let cursor = '';
	do {
		const part = await call<Page<T>>(`${path}${path.includes('?') ? '&' : '?'}limit=${Math.min(limit, 1000)}${cursor}`);
		items.push(...part.items);
		cursor = part.next_cursor ? `&cursor=${encodeURIComponent(part.next_cursor)}` : '';
	} while (cursor && items.length < limit);
	return items;
}

export const experimentPath = (id: string) => `/v1/experiments/${encodeURIComponent(id)}`;
