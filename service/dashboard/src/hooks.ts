// Data that pages share: loaded once, kept up by the stream of events.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { call, experimentPath, Problem } from './api';
import { follow, type FromWorker } from './live';
import type { Experiment } from './types';

export interface Loaded<T> { data: T | null; problem: Problem | null; loading: boolean; reload: () => void }

const problemOf = (error: unknown) => error instanceof Problem ? error : new Problem(0, 'Error', String(error));

/** Loads by a function whenever key changes; a newer load makes an older one void. */
export function useLoad<T>(key: string | null, load: (signal: AbortSignal) => Promise<T>): Loaded<T> {
	const [state, set] = useState<{ key: string | null; data: T | null; problem: Problem | null }>({ key, data: null, problem: null });
	const [round, again] = useState(0);
	const loader = useRef(load);
	loader.current = load;
	useEffect(() => {
		if (key === null)
			return undefined;
		const control = new AbortController();
		loader.current(control.signal).then(
			(data) => control.signal.aborted || set({ key, data, problem: null }),
			(error) => control.signal.aborted || set((old) => ({ key, data: old.key === key ? old.data : null, problem: problemOf(error) })));
		return () => control.abort();
	}, [key, round]);
	const reload = useCallback(() => again((n) => n + 1), []);
	const mine = state.key === key;
	return { data: mine ? state.data : null, problem: mine ? state.problem : null,
		loading: !mine || (!state.data && !state.problem), reload };
}

/** Calls what was given last, at most once in ms milliseconds, the last call never lost. */
export function useThrottled(action: () => void, ms: number): () => void {
	const last = useRef(action);
	const timer = useRef(0);
	const at = useRef(0);
	last.current = action;
	useEffect(() => () => clearTimeout(timer.current), []);
	return useCallback(() => {
		const wait = at.current + ms - performance.now();
		if (timer.current)
			return;
		timer.current = window.setTimeout(() => {
			timer.current = 0;
			at.current = performance.now();
			last.current();
		}, Math.max(0, wait));
	}, [ms]);
}

export function useDebounced<T>(value: T, ms: number): T {
	const [settled, set] = useState(value);
	useEffect(() => {
		const timer = setTimeout(() => set(value), ms);
		return () => clearTimeout(timer);
	}, [value, ms]);
	return settled;
}

/** Follows an experiment from a version on, as long as the page is there. Hidden pages hear of what
 * they missed when they are seen again. */
export function useFollow(id: string, since: number | undefined, listener: (message: FromWorker) => void) {
	const last = useRef(listener);
	last.current = listener;
	const known = since !== undefined;
	useEffect(() => {
		if (since === undefined)
			return undefined;
		let kept: FromWorker | null = null;
		const seen = () => {
			if (document.hidden || !kept)
				return;
			const message = kept;
			kept = null;
			last.current(message);
		};
		const end = follow(id, since, (message) => {
			kept = kept ? { ...kept, ...message, trials: [...new Set([...kept.trials, ...message.trials])], spec: kept.spec || message.spec,
				missed: kept.missed || message.missed || kept.trials.length > 1000, deleted: kept.deleted || message.deleted } : message;
			if (kept.missed)
				kept.trials = [];
			seen();
		});
		document.addEventListener('visibilitychange', seen);
		return () => {
			document.removeEventListener('visibilitychange', seen);
			end();
		};
	}, [id, known]);
}

export interface LiveExperiment extends Loaded<Experiment> {
	deleted: boolean;
	/** The stream's state: null when it is there. */
	lost: 'waiting' | 'closed' | null;
	/** Counts up with every change: a key to load again by. */
	tick: number;
	changed: FromWorker | null;
	replace: (experiment: Experiment) => void;
}

export function useExperiment(id: string): LiveExperiment {
	const loaded = useLoad<Experiment>(id, (signal) => call(experimentPath(id), { signal }));
	const [replaced, replace] = useState<Experiment | null>(null);
	const [deleted, setDeleted] = useState(false);
	const [lost, setLost] = useState<'waiting' | 'closed' | null>(null);
	const [changed, setChanged] = useState<FromWorker | null>(null);
	const [tick, setTick] = useState(0);
	const reload = useThrottled(loaded.reload, 1000);
	const newest = replaced && loaded.data && replaced.id === id && replaced.version > loaded.data.version ? replaced : loaded.data;
	useFollow(id, loaded.data?.version, (message) => {
		if (message.deleted) {
			setDeleted(true);
			return;
		}
		if (message.lost !== undefined)
			setLost(message.lost);
		if (message.lost === 'closed') // perhaps it is gone since it was loaded
			reload();
		if (message.lost !== undefined && !message.trials.length && !message.spec && !message.missed)
			return;
		setChanged(message);
		setTick((n) => n + 1);
		reload();
	});
	const gone = loaded.data !== null && loaded.problem?.status === 404;
	return { ...loaded, data: newest, deleted: deleted || gone, lost, tick, changed, replace };
}
