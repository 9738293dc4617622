// How fast the dashboard shows an experiment of many trials, and how smoothly its table scrolls:
//   node bench/dashboard.mjs [TRIALS [ROUNDS]]      (CAIRND: the server's binary; build/release/cairnd)
// The trials are seeded into a server of its own. Prints medians of loads with an empty cache, in milliseconds
// from the start of the navigation, and the processor time of the page and of the server, which other programs
// on the machine do not change much.
process.env.CAIRND ??= 'build/release/cairnd';
const { launch } = await import('../tests/e2e/browser.mjs');
const { Server } = await import('../tests/e2e/harness.mjs');

const TRIALS = Number(process.argv[2] ?? 10000);
const ROUNDS = Number(process.argv[3] ?? 5);
const server = await Server.start();
const id = await server.create({ name: 'many', search_space: {
	lr: { _type: 'loguniform', _value: [1e-5, 1] }, momentum: { _type: 'uniform', _value: [0, 1] }, batch_size: { _type: 'choice', _value: [16, 32, 64] },
	layers: { _type: 'randint', _value: [1, 9] }, op: { _type: 'choice', _value: ['conv', 'pool', 'none'] },
}, objectives: [{ name: 'accuracy', goal: 'maximize' }], tuner: { name: 'random', seed: 1 } });
for (let from = 0; from < TRIALS; from += 5000)
	await server.post(`/v1/experiments/${id}/seed`, Array.from({ length: Math.min(5000, TRIALS - from) }, (_, k) => {
		const u = (a) => ((from + k) * a) % 1;
		return { value: 1 - Math.abs(u(0.618) - 0.4) - u(0.414) / 10, parameters: { lr: 10 ** (-5 + 5 * u(0.618)), momentum: u(0.732),
			batch_size: [16, 32, 64][k % 3], layers: 1 + k % 8, op: ['conv', 'pool', 'none'][(k >> 2) % 3] } };
	}), { contract: false });

const median = (list) => list.sort((a, b) => a - b)[list.length >> 1];
const pages = {
	overview: ['', '.canvas[data-ready] canvas'], history: ['/charts?view=history', '.canvas[data-ready] canvas'],
	parallel: ['/charts?view=parallel', '.canvas[data-ready] canvas'], trials: ['/trials', 'tbody tr td'],
};
const browser = await launch();
for (const [name, [path, seen]] of Object.entries(pages)) {
	const paints = [], data = [], cpu = [], server_cpu = [];
	for (let round = 0; round < ROUNDS; round++) {
		const page = await (await browser.newContext({ viewport: { width: 1280, height: 900 } })).newPage();
		const before = await server.metric('cairn_process_cpu_seconds_total');
		await page.goto(`${server.url}/#/experiments/${id}${path}`, { waitUntil: 'commit' });
		await page.waitForSelector(seen);
		// Two frames later it is on the screen.
		data.push(await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))))));
		paints.push(await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN));
		const session = await page.context().newCDPSession(page);
		await session.send('Performance.enable');
		const { metrics } = await session.send('Performance.getMetrics');
		cpu.push(1000 * metrics.find((metric) => metric.name === 'ProcessTime').value);
		server_cpu.push(1000 * (await server.metric('cairn_process_cpu_seconds_total') - before));
		await page.context().close();
	}
	console.log(`${name}: first paint ${median(paints).toFixed(0)} ms, with its data ${median(data).toFixed(0)} ms; ` +
		`processor time of the page ${median(cpu).toFixed(0)} ms, of the server ${median(server_cpu).toFixed(0)} ms`);
}
const page = await browser.newPage();
await page.goto(`${server.url}/#/experiments/${id}/trials`);
await page.waitForSelector('tbody tr td');
const frames = await page.evaluate(() => new Promise((done) => {
	const box = document.querySelector('.virtual');
	const times = [];
	let last = performance.now();
	const step = () => {
		const now = performance.now();
		times.push(now - last);
		last = now;
		box.scrollTop += 3000;
		if (times.length < 120)
			requestAnimationFrame(step);
		else
			done(times.slice(1));
	};
	requestAnimationFrame(step);
}));
console.log(`scrolling the table: median frame ${median(frames).toFixed(1)} ms, longest ${Math.max(...frames).toFixed(0)} ms`);
await browser.close();
await server.close();
