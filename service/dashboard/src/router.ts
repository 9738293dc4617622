// Addresses. Everything a page shows is in the part after #, so that every page can be shared and the
// server needs to know one page only: #/experiments/exp_x/trials?state=failed
import { useEffect, useState } from 'preact/hooks';

export interface Route { path: string[]; query: URLSearchParams }

export function parse(hash: string): Route {
	// The status page that came before had #exp_...
	const old = /^#(exp_[\w-]+)$/.exec(hash);
	const text = old ? `/experiments/${old[1]}` : hash.replace(/^#/, '');
	const [path, query = ''] = text.split('?', 2);
	const parts = path.split('/').filter(Boolean).map((part) => {
		try {
			return decodeURIComponent(part);
		} catch {
			return part;
		}
	});
	return { path: parts.length ? parts : ['experiments'], query: new URLSearchParams(query) };
}

export function href(path: (string | number)[], query: Record<string, string | number | null | undefined> = {}): string {
	const search = new URLSearchParams();
	for (const [name, value] of Object.entries(query))
		if (value !== null && value !== undefined && value !== '')
			search.set(name, String(value));
	const text = search.toString();
	return `#/${path.map((part) => encodeURIComponent(part)).join('/')}${text ? `?${text}` : ''}`;
}

export function go(to: string) {
	location.hash = to;
}

export function useRoute(): Route {
	const [route, set] = useState(() => parse(location.hash));
	useEffect(() => {
		const listen = () => set(parse(location.hash));
		addEventListener('hashchange', listen);
		return () => removeEventListener('hashchange', listen);
	}, []);
	return route;
}

/** Changes arguments of the current address, without a new entry in the browser's history. */
export function setQuery(changes: Record<string, string | number | null>) {
	const { path, query } = parse(location.hash);
	const all: Record<string, string | number | null> = Object.fromEntries(query);
	history.replaceState(null, '', href(path, { ...all, ...changes }));
	dispatchEvent(new HashChangeEvent('hashchange'));
}
