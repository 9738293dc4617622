// The shared worker: one connection a browser to each experiment that some tab looks at, for a browser
// keeps only six to a server. Tabs hear what changed, twice a second at most.
import type { FromWorker, ToWorker } from './live';

const EVERY_MS = 500;
const SILENCE_MS = 150000; // a tab that pings every 30 s, even one that is throttled to once a minute

interface Stream { source: EventSource; ports: Set<MessagePort>; version: number; trials: Set<number>; spec: boolean; timer: number }

const streams = new Map<string, Stream>();
const heard = new Map<MessagePort, number>();
const SPEC = new Set(['created', 'edited', 'status']);

function tell(id: string, stream: Stream, extra: Partial<FromWorker> = {}) {
	const message: FromWorker = { id, version: stream.version, trials: [...stream.trials], spec: stream.spec, ...extra };
	stream.trials.clear();
	stream.spec = false;
	for (const port of stream.ports)
		port.postMessage(message);
}

function open(id: string, since: number): Stream {
	const source = new EventSource(`/v1/experiments/${encodeURIComponent(id)}/events?since=${since}`);
	const stream: Stream = { source, ports: new Set(), version: since, trials: new Set(), spec: false, timer: 0 };
	source.onmessage = (message) => {
		const event = JSON.parse(message.data);
		stream.version = event.version;
		if (event.trial !== undefined)
			stream.trials.add(event.trial);
		stream.spec ||= SPEC.has(event.type);
		stream.timer ||= setTimeout(() => {
			stream.timer = 0;
			tell(id, stream);
		}, EVERY_MS) as unknown as number;
	};
	source.addEventListener('deleted', () => {
		tell(id, stream, { deleted: true });
		close(id, stream);
	});
	// A dropped connection comes back by itself; one that was refused does not.
	source.onerror = () => tell(id, stream, { lost: source.readyState === EventSource.CLOSED ? 'closed' : 'waiting' });
	source.onopen = () => tell(id, stream, { lost: null });
	streams.set(id, stream);
	return stream;
}

function close(id: string, stream: Stream) {
	clearTimeout(stream.timer);
	stream.source.close();
	streams.delete(id);
}

function leave(port: MessagePort, only?: string) {
	for (const [id, stream] of streams)
		if ((only === undefined || only === id) && stream.ports.delete(port) && !stream.ports.size)
			close(id, stream);
}

function hear(port: MessagePort, message: ToWorker) {
	heard.set(port, Date.now());
	if (message.follow) {
		let stream = streams.get(message.follow);
		if (stream && stream.source.readyState === EventSource.CLOSED) {
			const ports = stream.ports;
			close(message.follow, stream);
			stream = open(message.follow, message.since ?? 0);
			stream.ports = ports;
		}
		stream ??= open(message.follow, message.since ?? 0);
		stream.ports.add(port);
		if (stream.version > (message.since ?? 0))
			port.postMessage({ id: message.follow, version: stream.version, trials: [], spec: true, missed: true } satisfies FromWorker);
	}
	if (message.leave)
		leave(port, message.leave);
	if (message.bye) {
		leave(port);
		heard.delete(port);
	}
	for (const [other, at] of heard)
		if (Date.now() - at > SILENCE_MS) {
			leave(other);
			heard.delete(other);
		}
}

(self as unknown as { onconnect: (event: MessageEvent) => void }).onconnect = (event) => {
	const port = event.ports[0];
	port.onmessage = (message) => hear(port, message.data);
};
