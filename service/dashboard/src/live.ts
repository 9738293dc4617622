// What changes in an experiment, as it changes, from the shared worker; where a browser has no shared
// workers, from a connection of this page.
declare const WORKER_URL: string;

export interface ToWorker { follow?: string; since?: number; leave?: string; bye?: boolean }
/** missed: more may have changed than trials names. lost: the connection's state, null: it is there. */
export interface FromWorker {
	id: string; version: number; trials: number[]; spec: boolean; deleted?: boolean; missed?: boolean;
	lost?: 'waiting' | 'closed' | null;
}

type Listener = (message: FromWorker) => void;
const listeners = new Map<string, Set<Listener>>();
let port: MessagePort | null = null;

function connect(): MessagePort | null {
	if (port || typeof SharedWorker === 'undefined')
		return port;
	port = new SharedWorker(WORKER_URL, { type: 'module', name: 'cairn' }).port;
	port.onmessage = ({ data }: MessageEvent<FromWorker>) => listeners.get(data.id)?.forEach((listener) => listener(data));
	setInterval(() => port!.postMessage({}), 30000);
	addEventListener('pagehide', (event) => {
		if (!event.persisted)
			port!.postMessage({ bye: true });
	});
	return port;
}

/** Without a shared worker: every follower has its own EventSource. */
function followAlone(id: string, since: number, listener: Listener): () => void {
	const source = new EventSource(`/v1/experiments/${encodeURIComponent(id)}/events?since=${since}`);
	let timer = 0;
	let version = since;
	const trials = new Set<number>();
	source.onmessage = (message) => {
		const event = JSON.parse(message.data);
		version = event.version;
		if (event.trial !== undefined)
			trials.add(event.trial);
		timer ||= window.setTimeout(() => {
			timer = 0;
			listener({ id, version, trials: [...trials], spec: true });
			trials.clear();
		}, 500);
	};
	source.addEventListener('deleted', () => {
		listener({ id, version, trials: [], spec: false, deleted: true });
		source.close();
	});
	const state = (lost: FromWorker['lost']) => listener({ id, version, trials: [], spec: false, lost });
	source.onerror = () => state(source.readyState === EventSource.CLOSED ? 'closed' : 'waiting');
	source.onopen = () => state(null);
	return () => {
		clearTimeout(timer);
		source.close();
	};
}

/** Calls listener with what changes after a version; answers how to end it. */
export function follow(id: string, since: number, listener: Listener): () => void {
	const worker = connect();
	if (!worker)
		return followAlone(id, since, listener);
	const set = listeners.get(id) ?? new Set();
	listeners.set(id, set.add(listener));
	worker.postMessage({ follow: id, since } satisfies ToWorker);
	return () => {
		set.delete(listener);
		if (!set.size) {
			listeners.delete(id);
			worker.postMessage({ leave: id } satisfies ToWorker);
		}
	};
}
