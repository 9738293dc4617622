// All experiments of the team, newest first.
import { useEffect, useState } from 'preact/hooks';
import { call } from '../api';
import { number, plural, time } from '../format';
import { useDebounced, useLoad } from '../hooks';
import { href, setQuery } from '../router';
import type { Experiment, Page } from '../types';
import { MOST } from './compare';
import { Badge, Field, Loading, Meter, Title, Trouble } from '../ui';

const LOOK_MS = 5000;
const PAGE = 50;
const FILTERS = ['status', 'name', 'label', 'sort'];

function address(query: URLSearchParams, limit: number): string {
	const search = new URLSearchParams({ limit: String(limit) });
	for (const name of FILTERS)
		if (query.get(name))
			search.set(name, query.get(name)!);
	return `/v1/experiments?${search}`;
}

/** Asks now and then for the newest change alone, and loads the list only when there was one. */
function useChanges(reload: () => void) {
	useEffect(() => {
		let before: string | null = null;
		let timer = 0;
		let gone = false;
		const look = async () => {
			clearTimeout(timer);
			if (!document.hidden) {
				const page = await call<Page<Experiment>>('/v1/experiments?sort=-updated&limit=1').catch(() => null);
				const now = page?.items[0] ? `${page.items[0].id} ${page.items[0].version}` : '';
				if (page && before !== null && now !== before)
					reload();
				before = page ? now : before;
			}
			if (!gone)
				timer = window.setTimeout(look, LOOK_MS);
		};
		const seen = () => document.hidden || look();
		look();
		document.addEventListener('visibilitychange', seen);
		return () => {
			gone = true;
			clearTimeout(timer);
			document.removeEventListener('visibilitychange', seen);
		};
	}, [reload]);
}

function Row({ item, chosen, choose }: { item: Experiment; chosen: boolean; choose: ((on: boolean) => void) | null }) {
	const most = item.limits?.max_trials ?? null;
	return <tr>
		<td><input type="checkbox" aria-label={`Compare ${item.name}`} checked={chosen} disabled={!choose} onChange={(event) => choose?.(event.currentTarget.checked)} /></td>
		<th scope="row" class="wrap"><a href={href(['experiments', item.id])}>{item.name}</a></th>
		<td><Badge state={item.status} reason={item.reason} /></td>
		<td>{most ? <Meter value={item.counts.handed_out / most} label={`${item.counts.handed_out} of ${most} trials`} /> : null}
			<span class="soft">{item.counts.handed_out}{most ? ` / ${most}` : ''}</span></td>
		<td class="number">{item.counts.running}</td>
		<td class="number">{item.counts.succeeded}</td>
		<td class="number hide-narrow">{item.counts.failed + item.counts.lost}</td>
		<td class="number">{number(item.best?.value)}</td>
		<td class="hide-narrow">{item.tuner.name}</td>
		<td class="hide-narrow">{time(item.updated_at)}</td>
	</tr>;
}

export function ExperimentsPage({ query, mayWrite }: { query: URLSearchParams; mayWrite: boolean }) {
	const [text, setText] = useState(query.get('name') ?? '');
	const [label, setLabel] = useState(query.get('label') ?? '');
	const [pages, setPages] = useState(1);
	const [chosen, setChosen] = useState<string[]>([]);
	const name = useDebounced(text, 250);
	const labelled = useDebounced(label, 250);
	useEffect(() => setQuery({ name, label: labelled }), [name, labelled]);
	const path = address(query, Math.min(PAGE * pages, 1000));
	const list = useLoad<Page<Experiment>>(path, (signal) => call(path, { signal }));
	const [shown, show] = useState<Page<Experiment> | null>(null);
	useEffect(() => list.data ? show(list.data) : undefined, [list.data]);
	useChanges(list.reload);
	const filtered = FILTERS.some((filter) => filter !== 'sort' && query.get(filter));
	return <>
		<div class="row">
			<Title text="Experiments" />
			<span style={{ flex: 1 }} />
			{chosen.length > 1 && <a class="button" href={href(['compare'], { ids: chosen.join(',') })}>Compare {chosen.length}</a>}
			{mayWrite && <a class="button primary" href={href(['experiments', 'new'])}>New experiment</a>}
		</div>
		<form class="row" role="search" onSubmit={(event) => event.preventDefault()}>
			<Field label="Search by name">{(id) =>
				<input id={id} type="search" value={text} onInput={(event) => setText(event.currentTarget.value)} />}</Field>
			<Field label="Status">{(id) =>
				<select id={id} value={query.get('status') ?? ''} onChange={(event) => setQuery({ status: event.currentTarget.value })}>
					<option value="">any</option>
					{['running', 'paused', 'stopped', 'done'].map((status) => <option key={status}>{status}</option>)}
				</select>}</Field>
			<Field label="Label (key or key:value)">{(id) =>
				<input id={id} value={label} onInput={(event) => setLabel(event.currentTarget.value)} />}</Field>
			<Field label="Order">{(id) =>
				<select id={id} value={query.get('sort') ?? '-created'} onChange={(event) => setQuery({ sort: event.currentTarget.value })}>
					<option value="-created">newest first</option>
					<option value="created">oldest first</option>
					<option value="-updated">last changed first</option>
					<option value="name">by name</option>
				</select>}</Field>
		</form>
		<Trouble problem={list.problem} again={list.reload} />
		{!shown ? !list.problem && <Loading what="experiments" /> : <>
			<p class="soft" role="status">{plural(shown.items.length, 'experiment')}{shown.next_cursor ? ' and more' : ''}{filtered ? ' found' : ''}</p>
			{shown.items.length > 0 ? <div class="scroll" tabIndex={0} role="region" aria-label="Experiments">
				<table>
					<thead><tr>
						<th scope="col"><span class="visually-hidden">Compare</span></th>
						<th scope="col">Experiment</th><th scope="col">Status</th><th scope="col">Trials</th>
						<th scope="col" class="number">Running</th><th scope="col" class="number">Succeeded</th>
						<th scope="col" class="number hide-narrow">Failed, lost</th><th scope="col" class="number">Best</th>
						<th scope="col" class="hide-narrow">Tuner</th><th scope="col" class="hide-narrow">Changed</th>
					</tr></thead>
					<tbody>{shown.items.map((item) => <Row key={item.id} item={item} chosen={chosen.includes(item.id)}
						choose={chosen.includes(item.id) || chosen.length < MOST ? (on) => setChosen(on ? [...chosen, item.id] : chosen.filter((id) => id !== item.id)) : null} />)}</tbody>
				</table>
			</div> : <p>{filtered ? 'Nothing fits.' : 'There are no experiments yet.'}{!filtered && mayWrite && <>
				{' '}<a href={href(['experiments', 'new'])}>Make the first one</a>, or POST it to <code>/v1/experiments</code>.</>}</p>}
			{shown.next_cursor && shown.items.length < 1000 &&
				<p><button type="button" onClick={() => setPages(pages * 2)}>Show more</button></p>}
		</>}
	</>;
}
