import './style.css';
import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { call, onUnauthenticated } from './api';
import { themeChanged } from './chart';
import { ExperimentPage } from './pages/experiment';
import { ComparePage } from './pages/compare';
import { CreatePage } from './pages/create';
import { ExperimentsPage } from './pages/experiments';
import { Login } from './pages/login';
import { href, type Route, useRoute } from './router';
import type { Session } from './types';
import { Loading, Title, Trouble } from './ui';
import { useLoad } from './hooks';

const dark = matchMedia('(prefers-color-scheme: dark)');
type Theme = 'light' | 'dark';

const stored = (): Theme | null => {
	try {
		return localStorage.getItem('theme') as Theme | null;
	} catch {
		return null; // a browser that keeps nothing
	}
};

function useTheme(): [Theme, () => void] {
	const [theme, set] = useState<Theme>(() => stored() ?? (dark.matches ? 'dark' : 'light'));
	useEffect(() => {
		document.documentElement.dataset.theme = theme;
		themeChanged();
	}, [theme]);
	useEffect(() => {
		const follow = () => stored() ?? set(dark.matches ? 'dark' : 'light');
		dark.addEventListener('change', follow);
		return () => dark.removeEventListener('change', follow);
	}, []);
	return [theme, () => {
		const next = theme === 'dark' ? 'light' : 'dark';
		try {
			localStorage.setItem('theme', next);
		} catch { /* it lasts as long as the page */ }
		set(next);
	}];
}

function PageOf({ route, session }: { route: Route; session: Session }) {
	const [first, second] = route.path;
	const may = (scope: string) => session.scopes.includes(scope);
	if (first === 'experiments' && !second)
		return <ExperimentsPage query={route.query} mayWrite={may('write')} />;
	if (first === 'compare')
		return <ComparePage query={route.query} />;
	if (first === 'experiments' && second === 'new')
		return <CreatePage query={route.query} />;
	if (first === 'experiments')
		return <ExperimentPage key={second} id={second} route={route} mayWrite={may('write')} />;
	return <>
		<Title text="No such page" />
		<p>There is nothing at this address. <a href={href(['experiments'])}>All experiments</a></p>
	</>;
}

function App() {
	const route = useRoute();
	const [theme, toggle] = useTheme();
	const session = useLoad<Session>('session', () => call('/v1/session'));
	useEffect(() => onUnauthenticated(session.reload), [session.reload]);
	const logout = async () => {
		await call('/v1/session', { method: 'DELETE' });
		session.reload();
	};
	const who = session.data;
	return <>
		<a class="skip" href="#main" onClick={(event) => {
			event.preventDefault();
			document.getElementById('main')!.focus();
		}}>Skip to the content</a>
		<header class="top">
			<a class="brand" href={href(['experiments'])}>Cairn</a>
			<nav aria-label="Main">
				<a href={href(['experiments'])}>Experiments</a>
				<a href="/docs">HTTP operations</a>
				<a href="/openapi.yaml">openapi.yaml</a>
			</nav>
			<span class="who">
				{who?.authenticated && !who.open && <>
					<span class="soft">{who.team ?? 'all teams'}</span>
					<button type="button" onClick={logout}>Log out</button>
				</>}
				<button type="button" onClick={toggle} aria-label={`Use ${theme === 'dark' ? 'light' : 'dark'} colours`}>
					{theme === 'dark' ? '☀' : '☾'}
				</button>
			</span>
		</header>
		<main id="main" tabIndex={-1}>
			{session.problem ? <Trouble problem={session.problem} again={session.reload} />
				: !who ? <Loading what="the page" />
					: who.authenticated ? <PageOf route={route} session={who} />
						: <Login session={who} onDone={session.reload} />}
		</main>
	</>;
}

render(<App />, document.getElementById('app')!);
