// What an experiment is, and what of it can be changed while it runs.
import { useMemo, useState } from 'preact/hooks';
import { call, experimentPath, Problem } from '../api';
import { type LiveExperiment, useDebounced, useLoad } from '../hooks';
import type { Experiment, Fault } from '../types';
import { Copy, Faults, Field, Trouble, useAction } from '../ui';

const EDITABLE = ['name', 'note', 'labels', 'search_space', 'parameter_constraints', 'canonical', 'tuner', 'assessor', 'limits'] as const;
const EFFECTS: Record<string, string> = {
	search_space: 'the next suggestions come from the new space; trials outside of it stay, and the tuner learns from those that still fit',
	parameter_constraints: 'the next suggestions keep to them', canonical: 'points are compared by the new rule',
	tuner: 'the next suggestions are the new tuner’s, which learns from all results so far', assessor: 'the next reports are judged by it',
	limits: 'they hold from the next suggestion on', name: 'it is shown from now on', note: 'it is shown from now on', labels: 'lists are filtered by them from now on',
};

const draftOf = (experiment: Experiment) => JSON.stringify(Object.fromEntries(EDITABLE.map((name) => [name, experiment[name] ?? null])), null, '\t');

function changesOf(text: string, experiment: Experiment): Record<string, unknown> | null {
	try {
		const draft = JSON.parse(text);
		return Object.fromEntries(Object.entries(draft).filter(([name, value]) =>
			JSON.stringify(value) !== JSON.stringify(experiment[name as keyof Experiment] ?? null)));
	} catch {
		return null;
	}
}

function Editor({ live, experiment, close }: { live: LiveExperiment; experiment: Experiment; close: () => void }) {
	const [base] = useState(experiment);
	const [text, setText] = useState(() => draftOf(experiment));
	const settled = useDebounced(text, 350);
	const changes = useMemo(() => changesOf(settled, base), [settled]);
	const { busy, problem, run } = useAction();
	const checked = useLoad<Fault[]>(settled, async (signal) => {
		if (!changes)
			return [{ pointer: '', message: 'this is not JSON' }];
		const { objectives, constraints } = base;
		const whole: Record<string, unknown> = { ...JSON.parse(settled), objectives, constraints };
		for (const name of Object.keys(whole))
			if (whole[name] === null)
				delete whole[name];
		try {
			await call('/v1/experiments/validate', { method: 'POST', body: whole, signal });
			return [];
		} catch (error) {
			if (error instanceof Problem && (error.status === 422 || error.status === 400))
				return error.errors.length ? error.errors : [{ pointer: '', message: error.message }];
			throw error;
		}
	});
	const changed = changes ? Object.keys(changes) : [];
	const save = () => run(async () => {
		live.replace(await call<Experiment>(experimentPath(base.id), { method: 'PATCH', body: changes, headers: { 'If-Match': `"${base.spec_version}"` } }));
		close();
	});
	return <form onSubmit={(event) => {
		event.preventDefault();
		save();
	}}>
		<Field label="What can be changed, as JSON">{(id) => <textarea id={id} class="code" spellcheck={false} value={text}
			aria-invalid={Boolean(checked.data?.length) || undefined} onInput={(event) => setText(event.currentTarget.value)} />}</Field>
		<div role="status">
			{checked.data?.length ? <Faults faults={checked.data} /> : null}
			{changed.length > 0 && <ul>{changed.map((name) => <li key={name}><code>{name}</code>: {EFFECTS[name] ?? 'cannot be changed'}</li>)}</ul>}
			{changes && !changed.length && <p class="soft">Nothing is changed yet.</p>}
		</div>
		<Trouble problem={checked.problem} />
		<Trouble problem={problem} />
		<p class="buttons">
			<button class="primary" disabled={busy || settled !== text || !changed.length || checked.loading || Boolean(checked.data?.length)}>Save</button>
			<button type="button" onClick={close}>Cancel</button>
		</p>
	</form>;
}

export function ConfigPage({ live, experiment, mayWrite }: { live: LiveExperiment; experiment: Experiment; mayWrite: boolean }) {
	const [editing, edit] = useState(false);
	const { counts: _, best: _b, status: _s, reason: _r, version: _v, updated_at: _u, ...spec } = experiment;
	const text = JSON.stringify(spec, null, 2);
	if (editing)
		return <Editor live={live} experiment={experiment} close={() => edit(false)} />;
	return <>
		<p class="buttons">
			{mayWrite && <button type="button" onClick={() => edit(true)}>Edit</button>}
			<Copy text={text} label="Copy as JSON" />
		</p>
		<pre tabIndex={0}>{text}</pre>
	</>;
}
