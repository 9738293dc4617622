// A chart with its downloads. The library comes with the first chart, not with the page.
import { useEffect, useRef, useState } from 'preact/hooks';
import { csv, download } from './ui';

declare const CHARTS_URL: string;
type Library = typeof import('./charts');
export type Option = import('./charts').Option;

let library: Promise<Library> | null = null;
const load = () => (library ??= import(/* an address that the build put in */ CHARTS_URL));

export interface Colors { ink: string; soft: string; line: string; back: string; series: string[] }

/** The page's colours, for charts do not read style sheets. */
export function colors(): Colors {
	const style = getComputedStyle(document.documentElement);
	const of = (name: string) => style.getPropertyValue(name).trim();
	return { ink: of('--ink'), soft: of('--soft'), line: of('--line'), back: of('--back'),
		series: [1, 2, 3, 4, 5, 6, 7, 8].map((n) => of(`--series-${n}`)) };
}

let themes = 0;
const themed = new Set<(n: number) => void>();
/** The colours changed: draw again. */
export function themeChanged() {
	themes++;
	themed.forEach((set) => set(themes));
}

export interface ChartProps {
	/** Of the file names. */
	name: string;
	/** What a reader who cannot see it is told. */
	summary: string;
	/** Made again when key changes: of the colours as they are then. */
	option: (colors: Colors) => Option;
	deps: unknown[];
	table: () => unknown[][];
	height?: number;
	onReady?: (chart: import('./charts').Instance) => void;
	onClick?: (data: unknown) => void;
}

const base = (c: Colors): Option => ({
	color: c.series, backgroundColor: 'transparent', textStyle: { color: c.ink, fontFamily: 'system-ui, sans-serif' }, animation: false,
});

export function Chart(props: ChartProps) {
	const box = useRef<HTMLDivElement>(null);
	const chart = useRef<import('./charts').Instance | null>(null);
	const [ready, setReady] = useState<Library | null>(null);
	const [theme, setTheme] = useState(themes);
	const [failed, setFailed] = useState(false);
	const last = useRef(props);
	last.current = props;
	useEffect(() => {
		themed.add(setTheme);
		let gone = false;
		let watch: ResizeObserver | null = null;
		load().then((lib) => {
			if (gone)
				return;
			const made = lib.init(box.current!);
			chart.current = made;
			made.on('click', (event: { data?: unknown }) => last.current.onClick?.(event.data));
			watch = new ResizeObserver(() => chart.current?.resize());
			watch.observe(box.current!);
			last.current.onReady?.(made);
			setReady(() => lib);
		}, () => setFailed(true));
		return () => {
			gone = true;
			themed.delete(setTheme);
			watch?.disconnect();
			chart.current?.dispose();
			chart.current = null;
		};
	}, []);
	const whole = () => {
		const c = colors();
		return { ...base(c), ...props.option(c) };
	};
	useEffect(() => {
		chart.current?.setOption(whole(), { notMerge: true });
	}, [ready, theme, ...props.deps]);
	const svg = () => ready!.svg({ ...whole(), backgroundColor: colors().back }, box.current!.clientWidth, box.current!.clientHeight);
	const png = () => {
		const link = document.createElement('a');
		link.href = chart.current!.getDataURL({ type: 'png', pixelRatio: 2, backgroundColor: colors().back });
		link.download = `${props.name}.png`;
		link.click();
	};
	return <figure class="chart">
		<div ref={box} class="canvas" role="img" aria-label={props.summary} style={{ height: `${props.height ?? 360}px` }} data-ready={ready ? 'yes' : undefined} />
		<figcaption>
			<span class="soft">{failed ? 'The charts could not be loaded.' : props.summary}</span>
			<span class="buttons" role="group" aria-label={`Download ${props.name}`}>
				<button type="button" disabled={!ready} onClick={() => download(`${props.name}.svg`, 'image/svg+xml', svg())}>SVG</button>
				<button type="button" disabled={!ready} onClick={png}>PNG</button>
				<button type="button" onClick={() => download(`${props.name}.csv`, 'text/csv', csv(props.table()))}>CSV</button>
			</span>
		</figcaption>
	</figure>;
}
