// Small parts that pages share.
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { Problem } from './api';
import type { Fault } from './types';

export const REASONS: Record<string, string> = {
	created: 'just made', user: 'by hand', max_trials: 'all trials were handed out', exhausted: 'no point is left to try',
	duration: 'its time is over', target: 'the target was reached', patience: 'no better result for a while',
};

export function Badge({ state, reason }: { state: string; reason?: string | null }) {
	return <span class={`badge ${state}`}>{state}{reason && reason !== 'created' && reason !== 'user' && reason !== 'resumed'
		? <span class="reason">: {REASONS[reason] ?? reason}</span> : null}</span>;
}

export function Trouble({ problem, again }: { problem: Problem | null; again?: () => void }) {
	if (!problem)
		return null;
	return <div class="trouble" role="alert">
		<strong>{problem.title}.</strong> {problem.message}
		{problem.errors.length > 0 && <Faults faults={problem.errors} />}
		{again && <> <button type="button" onClick={again}>Try again</button></>}
	</div>;
}

export function Faults({ faults, id }: { faults: Fault[]; id?: string }) {
	return <ul class="faults" id={id}>
		{faults.map((fault) => <li key={fault.pointer + fault.message}><code>{fault.pointer || '/'}</code> {fault.message}</li>)}
	</ul>;
}

export function Loading({ what }: { what: string }) {
	return <p class="soft" role="status">Loading {what}…</p>;
}

/** A heading that takes the focus when the page is entered, so that a screen reader begins there. */
export function Title({ children, text }: { children?: ComponentChildren; text: string }) {
	const ref = useRef<HTMLHeadingElement>(null);
	useEffect(() => {
		document.title = `${text} · Cairn`;
	}, [text]);
	useEffect(() => {
		ref.current?.focus({ preventScroll: true });
	}, []);
	return <h1 ref={ref} tabIndex={-1}>{children ?? text}</h1>;
}

interface FieldProps { label: string; help?: string; children: (id: string, help?: string) => JSX.Element }

export function Field({ label, help, children }: FieldProps) {
	const id = useId();
	return <div class="field">
		<label for={id}>{label}</label>
		{children(id, help ? `${id}-help` : undefined)}
		{help && <small id={`${id}-help`} class="soft">{help}</small>}
	</div>;
}

interface ConfirmProps { text: string; action: string; onDone: (yes: boolean) => void; children?: ComponentChildren }

/** A modal question; Escape and the backdrop say no. */
export function Confirm({ text, action, onDone, children }: ConfirmProps) {
	const ref = useRef<HTMLDialogElement>(null);
	const id = useId();
	useEffect(() => ref.current!.showModal(), []);
	return <dialog ref={ref} aria-labelledby={id} onCancel={(event) => {
		event.preventDefault();
		onDone(false);
	}}>
		<form method="dialog" onSubmit={(event) => {
			event.preventDefault();
			onDone(true);
		}}>
			<p id={id}>{text}</p>
			{children}
			<p class="buttons">
				<button type="button" onClick={() => onDone(false)}>Cancel</button>
				<button class="primary">{action}</button>
			</p>
		</form>
	</dialog>;
}

/** Runs what a button does, once at a time; answers what went wrong. */
export function useAction(): { busy: boolean; problem: Problem | null; run: (action: () => Promise<void>) => Promise<void>; clear: () => void } {
	const [busy, setBusy] = useState(false);
	const [problem, setProblem] = useState<Problem | null>(null);
	const running = useRef(false);
	const run = async (action: () => Promise<void>) => {
		if (running.current)
			return;
		running.current = true;
		setBusy(true);
		setProblem(null);
		try {
			await action();
		} catch (error) {
			setProblem(error instanceof Problem ? error : new Problem(0, 'Error', String(error)));
		} finally {
			running.current = false;
			setBusy(false);
		}
	};
	return { busy, problem, run, clear: () => setProblem(null) };
}

export function Copy({ text, label = 'Copy' }: { text: string; label?: string }) {
	const [done, set] = useState(false);
	useEffect(() => {
		const timer = done ? setTimeout(() => set(false), 2000) : 0;
		return () => clearTimeout(timer);
	}, [done]);
	return <button type="button" onClick={() => copy(text).then(() => set(true))}>{done ? 'Copied' : label}</button>;
}

async function copy(text: string) {
	if (navigator.clipboard)
		return navigator.clipboard.writeText(text);
	// Without TLS a browser has no clipboard for pages of other machines.
	const area = document.createElement('textarea');
	area.value = text;
	document.body.append(area);
	area.select();
	document.execCommand('copy');
	area.remove();
	return undefined;
}

/** Offers bytes as a file. */
export function download(name: string, type: string, data: BlobPart) {
	const link = document.createElement('a');
	link.href = URL.createObjectURL(new Blob([data], { type }));
	link.download = name;
	link.click();
	setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

export const csv = (rows: unknown[][]) => rows.map((row) => row.map((value) => {
	const text = value === null || value === undefined || (typeof value === 'number' && Number.isNaN(value)) ? '' : String(value);
	return /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}).join(',') + '\r\n').join('');

export function Meter({ value, label }: { value: number; label: string }) {
	return <span class="meter" role="img" aria-label={label}><span style={{ width: `${Math.max(0, Math.min(1, value)) * 100}%` }} /></span>;
}

/** Tabs that are links: each has an address. */
export function Tabs({ items, label }: { items: { text: string; href: string; current: boolean }[]; label: string }) {
	return <nav class="tabs" aria-label={label}>
		{items.map((item) => <a key={item.href} href={item.href} aria-current={item.current ? 'page' : undefined}>{item.text}</a>)}
	</nav>;
}
