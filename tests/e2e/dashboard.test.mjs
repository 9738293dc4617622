// The dashboard in a real browser: every page, every action, its accessibility, and that it needs nothing
// but the server. The browser is Debian's Chromium; without one the tests are skipped, and say so.
import test, { after, before, describe } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';

import { accessible, chromiumPath, launch, openPage, screenshot } from './browser.mjs';
import { Server, until, work } from './harness.mjs';

const space = {
	lr: { _type: 'loguniform', _value: [1e-5, 1] },
	batch_size: { _type: 'choice', _value: [16, 32, 64] },
	op: { _type: 'choice', _value: [{ _name: 'conv', k: { _type: 'choice', _value: [3, 5] } }, { _name: 'none' }] },
};
const spec = (more = {}) => ({
	name: 'lenet', search_space: space, objectives: [{ name: 'accuracy', goal: 'maximize' }],
	tuner: { name: 'random', seed: 1 }, limits: { max_trials: 60, concurrency: 8 }, labels: { team: 'vision' }, note: 'a note', ...more,
});
const score = (p) => 1 - Math.abs(Math.log10(p.lr) + 3) / 5 - (p.op._name === 'none' ? 0.1 : 0);

async function learn(parameters, trial, report) {
	for (let step = 1; step <= 3; step++)
		await report(step, score(parameters) * step / 3);
	return score(parameters);
}

/** An experiment of n finished trials, one of them with a log and an artifact. */
async function finished(server, n, more = {}) {
	const id = await server.create(spec({ limits: { max_trials: n, concurrency: 8 }, ...more }));
	await work(server, id, learn);
	const at = `/v1/experiments/${id}/trials/0`;
	await server.ok('PUT', `${at}/artifacts/model.bin`, new Uint8Array(3000), { headers: { 'content-type': 'application/octet-stream' } });
	await server.ok('POST', `${at}/log?offset=0`, 'epoch 1: loss 0.31\n', { headers: { 'content-type': 'text/plain' } });
	return id;
}

const drawn = async (page) => {
	await page.waitForSelector('.canvas[data-ready] canvas');
	await page.waitForFunction(() => [...document.querySelectorAll('.canvas canvas')].every((canvas) => {
		const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
		return data.some((x) => x !== 0);
	}));
};

const saved = async (page, button) => {
	const [download] = await Promise.all([page.waitForEvent('download'), button.click()]);
	return { name: download.suggestedFilename(), data: readFileSync(await download.path()) };
};

const pages = (id) => ({
	experiments: '#/experiments', new: '#/experiments/new', overview: `#/experiments/${id}`, trials: `#/experiments/${id}/trials`,
	trial: `#/experiments/${id}/trials/0`, config: `#/experiments/${id}/config`,
	...Object.fromEntries(['history', 'parallel', 'intermediate', 'importance', 'slice', 'pair', 'edf', 'durations', 'timeline']
		.map((view) => [view, `#/experiments/${id}/charts?view=${view}`])),
});

describe('the dashboard', { skip: chromiumPath() ? false : 'there is no Chromium: deploy/install-deps test' }, () => {
	let browser, server, id;
	before(async () => {
		server = await Server.start();
		assert.match((await server.request('GET', '/')).text, /"\/assets\//, 'this build has the status page, not the dashboard');
		browser = await launch();
		id = await finished(server, 60);
	});
	after(async () => {
		await browser?.close();
		await server?.close();
	});

	for (const [theme, viewport] of [['light', { width: 1280, height: 900 }], ['dark', { width: 1280, height: 900 }], ['light', { width: 390, height: 800 }]])
		test(`every page, ${theme}, ${viewport.width} wide`, async () => {
			const page = await openPage(browser, server, { colorScheme: theme, viewport });
			for (const [name, hash] of Object.entries(pages(id))) {
				await page.at(hash);
				await page.waitForSelector('h1');
				await page.waitForFunction(() => !document.body.textContent.includes('Loading') && !document.body.textContent.includes('Checking'));
				if (hash.includes('charts'))
					await drawn(page);
				assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), theme);
				assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name} is wider than the window`);
				if (viewport.width > 1000)
					await accessible(page);
				await screenshot(page, `${name}-${theme}-${viewport.width}`);
			}
			page.check();
			await page.context().close();
		});

	test('a wrong address, an unknown experiment, the old kind of address', async () => {
		const page = await openPage(browser, server, { allow: [/404/] });
		await page.at('#/nonsense');
		await page.getByRole('heading', { name: 'No such page' }).waitFor();
		await page.at('#/experiments/exp_none');
		await page.getByRole('alert').getByText('exp_none').or(page.getByRole('alert')).first().waitFor();
		await page.at(`#${id}`);
		await page.getByRole('heading', { name: /^lenet/ }).waitFor();
		await accessible(page);
		await page.evaluate(() => document.querySelector('main').append(new Image()));
		await assert.rejects(accessible(page), /image-alt/);
		page.check();
		await page.context().close();
	});

	test('the list: search, status, label, and the address says it', async () => {
		const other = await server.create(spec({ name: 'another', labels: { team: 'audio' } }));
		await server.post(`/v1/experiments/${other}/pause`);
		const page = await openPage(browser, server);
		await page.at('#/experiments');
		await page.getByRole('link', { name: 'another' }).waitFor();
		await page.getByLabel('Search by name').fill('LENET');
		await page.getByRole('link', { name: 'another' }).waitFor({ state: 'detached' });
		assert.match(page.url(), /name=LENET/);
		await page.getByLabel('Search by name').fill('');
		await page.getByLabel('Status').selectOption('paused');
		await page.getByRole('link', { name: 'lenet' }).waitFor({ state: 'detached' });
		await page.getByLabel('Status').selectOption('');
		await page.getByLabel('Label (key or key:value)').fill('team:audio');
		await page.getByRole('link', { name: 'lenet' }).waitFor({ state: 'detached' });
		await page.reload();
		await page.getByText('1 experiment found').waitFor();
		await page.getByLabel('Label (key or key:value)').fill('nothing:like');
		await page.getByText('Nothing fits.').waitFor();
		await server.ok('DELETE', `/v1/experiments/${other}`);
		page.check();
		await page.context().close();
	});

	test('two experiments compared', async () => {
		const other = await server.create(spec({ name: 'rival', tuner: { name: 'sobol', seed: 2 }, limits: { max_trials: 10 } }));
		await work(server, other, learn);
		const page = await openPage(browser, server);
		await page.at('#/experiments');
		await page.getByRole('checkbox', { name: 'Compare rival' }).check();
		assert.equal(await page.getByRole('link', { name: /^Compare/ }).count(), 0);
		await page.getByRole('checkbox', { name: 'Compare lenet' }).check();
		await page.getByRole('link', { name: 'Compare 2' }).click();
		await drawn(page);
		assert.ok(page.url().includes(id) && page.url().includes(other));
		await page.getByRole('row', { name: /^Tuner sobol random$/ }).waitFor();
		const csv = await saved(page, page.getByRole('button', { name: 'CSV' }));
		assert.equal(csv.data.toString().split('\r\n').filter((line) => line.startsWith(other)).length, 10);
		await accessible(page);
		await screenshot(page, 'compare');
		await server.ok('DELETE', `/v1/experiments/${other}`);
		page.check();
		await page.context().close();
	});

	test('the list shows a new experiment by itself', async () => {
		const page = await openPage(browser, server);
		await page.at('#/experiments');
		await page.getByRole('link', { name: 'lenet' }).waitFor();
		const made = await server.create(spec({ name: 'newcomer' }));
		await page.getByRole('link', { name: 'newcomer' }).waitFor();
		await server.ok('DELETE', `/v1/experiments/${made}`);
		page.check();
		await page.context().close();
	});

	test('an experiment from the form, with what the server says as one types', async () => {
		const page = await openPage(browser, server, { allow: [/422/, /404/] }); // 404: it is deleted in the end
		await page.at('#/experiments/new');
		await page.getByText('The server takes it.').waitFor();
		await page.getByLabel('Name').first().fill('by form');
		const values = page.getByLabel('Values').first();
		await values.fill('[2, 1]');
		await page.getByText(/^\d+ faults?:$/).waitFor();
		assert.equal(await values.getAttribute('aria-invalid'), 'true');
		assert.ok(await page.getByRole('button', { name: 'Create' }).isDisabled());
		await values.fill('[0.001, 1]');
		await page.getByLabel('Another parameter').fill('momentum');
		await page.getByRole('button', { name: 'Add', exact: true }).click();
		await page.getByRole('button', { name: 'Remove batch_size' }).click();
		await page.getByRole('group', { name: 'Tuner' }).getByLabel('Tuner').selectOption('evolution');
		await page.getByText('Options of evolution').click();
		await page.getByRole('group', { name: 'Assessor' }).getByLabel('Assessor').selectOption('medianstop');
		await page.getByLabel('Trials at most').fill('7');
		await page.getByRole('button', { name: 'Add an objective' }).click();
		await page.getByRole('button', { name: 'Remove metric_2' }).click();
		await page.getByText('The server takes it.').waitFor();
		await page.getByRole('button', { name: 'Create' }).click();
		await page.getByRole('heading', { name: /^by form/ }).waitFor();
		const made = (await server.get('/v1/experiments?name=by%20form')).items[0];
		assert.deepEqual(Object.keys(made.search_space).sort(), ['lr', 'momentum']);
		assert.equal(made.tuner.name, 'evolution');
		assert.equal(made.assessor.name, 'medianstop');
		assert.equal(made.limits.max_trials, 7);
		await server.ok('DELETE', `/v1/experiments/${made.id}`);
		await page.getByRole('heading', { name: 'Deleted' }).waitFor();
		page.check();
		await page.context().close();
	});

	test('an experiment that is deleted before the page follows it', async () => {
		const page = await openPage(browser, server, { allow: [/404/] });
		const id = await server.create(spec({ name: 'short-lived' }));
		let first = true;
		await page.route(`**/v1/experiments/${id}`, async (route) => {
			if (!first)
				return route.continue();
			first = false;
			const response = await route.fetch();
			await server.ok('DELETE', `/v1/experiments/${id}`);
			return route.fulfill({ response });
		});
		await page.at(`#/experiments/${id}`);
		await page.getByRole('heading', { name: 'Deleted' }).waitFor();
		page.check();
		await page.context().close();
	});

	test('an experiment from JSON, and from a configuration of NNI', async () => {
		const page = await openPage(browser, server, { allow: [/422|400/] });
		await page.at('#/experiments/new');
		await page.getByRole('button', { name: 'JSON' }).click();
		const area = page.getByLabel('The experiment as JSON');
		await area.fill('{"name": ');
		await page.getByText('1 fault:').waitFor();
		await area.fill(JSON.stringify(spec({ name: 'pasted', surprise: 1 })));
		await page.getByText('/surprise').waitFor();
		await area.fill(JSON.stringify({ experimentName: 'from nni', searchSpace: { x: { _type: 'uniform', _value: [0, 1] } }, maxTrialNumber: 9,
			trialConcurrency: 2, maxExperimentDuration: '1h', tuner: { name: 'TPE', classArgs: { optimize_mode: 'minimize' } }, assessor: { name: 'Medianstop' } }));
		await page.getByRole('button', { name: 'Convert it' }).click();
		await page.getByText('The server takes it.').waitFor();
		await page.getByRole('button', { name: 'Create' }).click();
		await page.getByRole('heading', { name: /^from nni/ }).waitFor();
		const [made] = (await server.get('/v1/experiments?name=from%20nni')).items;
		assert.equal(made.objectives[0].goal, 'minimize');
		assert.equal(made.limits.concurrency, 2);
		await server.ok('DELETE', `/v1/experiments/${made.id}`);
		page.check();
		await page.context().close();
	});

	test('an experiment as it runs, live in two tabs', async () => {
		const running = await server.create(spec({ name: 'live', limits: { max_trials: 40, concurrency: 4 } }));
		const page = await openPage(browser, server, { allow: [/404/] }); // it is deleted in the end
		await page.at(`#/experiments/${running}`);
		await page.getByText('No trials yet.').waitFor();
		const second = await openPage(browser, server, { context: page.context(), allow: [/404/] });
		await second.at(`#/experiments/${running}/trials`);
		await second.getByText('0 trials').waitFor();
		const first = await server.post(`/v1/experiments/${running}/suggest`, { worker: 'w' });
		await page.getByRole('link', { name: '1 running' }).waitFor();
		await second.getByText('1 trial', { exact: true }).waitFor();
		await second.getByRole('cell', { name: 'running' }).waitFor();
		await server.post(`/v1/experiments/${running}/observe`, { trial: first.trials[0].trial, value: 0.5, final: true });
		await page.getByRole('link', { name: 'trial 0', exact: true }).waitFor();
		await second.getByRole('cell', { name: 'succeeded' }).waitFor();
		await work(server, running, learn, { workers: 4 });
		await page.getByRole('link', { name: '40 succeeded' }).waitFor();
		await second.getByText('40 trials').waitFor();
		await second.waitForFunction(() => !document.querySelector('.badge.running'));
		await page.getByRole('heading', { name: /done/ }).waitFor();
		await server.ok('DELETE', `/v1/experiments/${running}`);
		await page.getByRole('heading', { name: 'Deleted' }).waitFor();
		page.check();
		second.check();
		await page.context().close();
	});

	test('pause, resume, limits, stop, clone, export, delete', async () => {
		const mine = await server.create(spec({ name: 'mine' }));
		const page = await openPage(browser, server, { allow: [/422/] });
		const status = async () => (await server.get(`/v1/experiments/${mine}`)).status;
		const press = (name) => page.getByRole('button', { name, exact: true }).click();
		await page.at(`#/experiments/${mine}`);
		await press('Pause');
		await page.getByRole('button', { name: 'Resume' }).waitFor();
		assert.equal(await status(), 'paused');
		await press('Resume');
		await page.getByRole('button', { name: 'Pause' }).waitFor();
		assert.equal(await status(), 'running');

		await press('Edit the limits');
		await page.getByLabel('Trials at most').fill('0.5');
		await press('Save the limits');
		await page.getByRole('alert').waitFor();
		await page.getByLabel('Trials at most').fill('77');
		await page.getByLabel('Time in all').fill('3h');
		await press('Save the limits');
		await page.getByRole('definition').filter({ hasText: /^77$/ }).waitFor();
		const { limits } = await server.get(`/v1/experiments/${mine}`);
		assert.equal(limits.max_trials, 77);
		assert.equal(limits.concurrency, 8);

		await press('Stop');
		await page.keyboard.press('Escape');
		assert.equal(await status(), 'running');
		await press('Stop');
		await accessible(page);
		await page.getByRole('dialog').getByRole('button', { name: 'Stop' }).click();
		await page.getByRole('button', { name: 'Resume' }).waitFor();
		assert.equal(await status(), 'stopped');

		const file = await saved(page, page.getByRole('link', { name: 'Export' }));
		assert.match(file.data.toString(), /"end":true/);
		await press('Clone');
		await page.getByLabel('Name of the clone').fill('the clone');
		await page.getByRole('dialog').getByRole('button', { name: 'Clone' }).click();
		await page.getByRole('heading', { name: /^the clone/ }).waitFor();
		await press('Delete');
		await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
		await page.getByRole('heading', { name: 'Experiments' }).waitFor();
		await page.getByRole('link', { name: 'the clone' }).waitFor({ state: 'detached' });
		await page.at(`#/experiments/${mine}`);
		await page.getByRole('link', { name: 'Clone and edit' }).click();
		await page.waitForFunction(() => document.querySelector('input[required]')?.value === 'mine');
		await page.getByText('The server takes it.').waitFor();
		await server.ok('DELETE', `/v1/experiments/${mine}`);
		page.check();
		await page.context().close();
	});

	test('the configuration, edited, and refused when somebody else was first', async () => {
		const mine = await server.create(spec({ name: 'config' }));
		const page = await openPage(browser, server, { allow: [/412|422/] });
		await page.at(`#/experiments/${mine}/config`);
		await page.getByRole('button', { name: 'Edit' }).click();
		const area = page.getByLabel('What can be changed, as JSON');
		const edit = async (change) => area.fill(JSON.stringify(change(JSON.parse(await area.inputValue()))));
		await edit((draft) => ({ ...draft, search_space: { ...draft.search_space, lr: { _type: 'uniform', _value: [3, 1] } } }));
		await page.getByText('/search_space/lr').waitFor();
		await edit((draft) => ({ ...draft, note: 'another note', search_space: { ...draft.search_space, lr: { _type: 'uniform', _value: [0, 1] } } }));
		await page.getByText('the next suggestions come from the new space').waitFor();
		await page.getByRole('button', { name: 'Save' }).click();
		await page.getByRole('button', { name: 'Edit' }).waitFor();
		assert.equal((await server.get(`/v1/experiments/${mine}`)).note, 'another note');
		await page.getByRole('button', { name: 'Edit' }).click();
		await edit((draft) => ({ ...draft, note: 'too late' }));
		await server.ok('PATCH', `/v1/experiments/${mine}`, { note: 'first' });
		await page.getByRole('button', { name: 'Save' }).click();
		await page.getByRole('alert').waitFor();
		assert.equal((await server.get(`/v1/experiments/${mine}`)).note, 'first');
		await server.ok('DELETE', `/v1/experiments/${mine}`);
		page.check();
		await page.context().close();
	});

	test('charts: downloads, brushing, the best of them, another parameter', async () => {
		const page = await openPage(browser, server);
		for (const view of ['history', 'parallel', 'slice', 'importance', 'timeline']) {
			await page.at(`#/experiments/${id}/charts?view=${view}`);
			await drawn(page);
			const svg = await saved(page, page.getByRole('button', { name: 'SVG' }));
			assert.match(svg.name, /\.svg$/);
			assert.match(svg.data.toString(), /^<svg[^>]*>[^]*<path/);
			const png = await saved(page, page.getByRole('button', { name: 'PNG' }));
			assert.equal(png.data.subarray(1, 4).toString(), 'PNG');
			const csv = await saved(page, page.getByRole('button', { name: 'CSV' }));
			assert.ok(csv.data.toString().trim().split('\r\n').length > (view === 'importance' ? 2 : 60), `${view}: ${csv.data}`);
		}
		await page.at(`#/experiments/${id}/charts?view=parallel`);
		await drawn(page);
		const box = await page.locator('.canvas').boundingBox();
		await page.mouse.move(box.x + 48, box.y + 120);
		await page.mouse.down();
		await page.mouse.move(box.x + 48, box.y + 280, { steps: 8 });
		await page.mouse.up();
		await page.getByRole('heading', { name: /^\d+ trials? selected$/ }).waitFor();
		await page.getByLabel('Trials', { exact: true }).selectOption('5');
		await page.getByText('3 trials; each is a line').waitFor();
		assert.match(page.url(), /top=5/);
		await page.getByText(/^Axes/).click();
		await page.getByRole('checkbox', { name: 'op', exact: true }).uncheck();
		await page.getByText('Axes (3 of 4)').waitFor();
		await page.at(`#/experiments/${id}/charts?view=slice`);
		await page.getByLabel('Parameter').selectOption('op.k');
		await page.getByText('accuracy against op.k').waitFor();
		await page.at(`#/experiments/${id}/charts?view=intermediate`);
		await page.getByText('of 20 trials').waitFor();
		await page.getByLabel('Filter').fill('lr>0.1');
		await page.getByLabel('Filter').press('Enter');
		await page.waitForFunction(() => !document.body.textContent.includes('of 20 trials'));
		await page.at(`#/experiments/${id}/charts?view=importance`);
		await page.getByLabel('Measured by').selectOption('pedanova');
		await page.getByText('By pedanova').waitFor();
		page.check();
		await page.context().close();
	});

	test('several objectives: the front', async () => {
		const several = await server.create(spec({ name: 'two', tuner: { name: 'nsga2', seed: 1 }, limits: { max_trials: 40 },
			objectives: [{ name: 'accuracy', goal: 'maximize' }, { name: 'latency', goal: 'minimize' }] }));
		for (let i = 0; i < 4; i++) {
			const { trials } = await server.post(`/v1/experiments/${several}/suggest`, { count: 10, worker: 'w' });
			await server.post(`/v1/experiments/${several}/observe`, trials.map(({ trial, parameters }) =>
				({ trial, final: true, values: { accuracy: score(parameters), latency: parameters.batch_size * (1 + parameters.lr) } })));
		}
		const page = await openPage(browser, server);
		await page.at(`#/experiments/${several}/charts?view=front`);
		await drawn(page);
		const csv = (await saved(page, page.getByRole('button', { name: 'CSV' }))).data.toString();
		const front = await server.get(`/v1/experiments/${several}/pareto`);
		assert.equal(csv.match(/,true\r/g).length, front.items.length);
		await accessible(page);
		await screenshot(page, 'front');
		await page.at(`#/experiments/${several}/charts?view=slice&objective=latency`);
		await page.getByText('latency against lr').waitFor();
		await server.ok('DELETE', `/v1/experiments/${several}`);
		page.check();
		await page.context().close();
	});

	test('trials: search, sort, columns, download; only what is seen is in the page', async () => {
		const many = await server.create(spec({ name: 'many', limits: {} }));
		await server.post(`/v1/experiments/${many}/seed`, Array.from({ length: 3000 }, (_, i) =>
			({ parameters: { lr: 10 ** (-5 + 5 * ((i * 37) % 3000) / 3000), batch_size: 32, op: i % 2 ? { _name: 'none' } : { _name: 'conv', k: 3 } }, value: (i * 7919) % 3000 })));
		const page = await openPage(browser, server);
		await page.at(`#/experiments/${many}/trials`);
		await page.getByText('3,000 trials').waitFor();
		const rows = () => page.locator('tbody tr:not(.space)').count();
		assert.ok(await rows() < 100);
		await page.getByRole('button', { name: 'accuracy' }).click();
		await page.getByRole('button', { name: 'accuracy' }).click();
		await page.waitForFunction(() => document.querySelector('tbody tr:not(.space) td:nth-child(3)').textContent === '2999');
		assert.equal(await page.getByRole('columnheader', { name: 'accuracy' }).getAttribute('aria-sort'), 'descending');
		await page.getByRole('region', { name: 'Trials' }).evaluate((element) => { element.scrollTop = element.scrollHeight; });
		await page.waitForFunction(() => [...document.querySelectorAll('tbody tr:not(.space)')].at(-1).children[2].textContent === '0');
		assert.ok(await rows() < 100);
		const search = page.getByRole('searchbox', { name: 'Search' });
		await search.fill('op=none lr<0.001');
		await page.getByText(/^\d+ trials of 3,000$/).waitFor();
		const shown = await saved(page, page.getByRole('button', { name: 'Download as CSV' }));
		const lines = shown.data.toString().trim().split('\r\n').slice(1);
		assert.ok(lines.length > 500 && lines.every((line) => line.includes(',none,')), lines[0]);
		await search.fill('2999');
		await page.getByText('1 trial of 3,000').waitFor();
		await page.getByText(/^Columns/).click();
		await page.getByRole('checkbox', { name: 'op.k' }).uncheck();
		await page.getByRole('columnheader', { name: 'op.k' }).waitFor({ state: 'detached' });
		await page.reload();
		await page.getByText('1 trial of 3,000').waitFor();
		assert.equal(await page.getByRole('columnheader', { name: 'op.k' }).count(), 0);
		await page.getByRole('link', { name: '2999' }).click();
		await page.getByRole('heading', { name: /^Trial 2999/ }).waitFor();
		await server.ok('DELETE', `/v1/experiments/${many}`);
		page.check();
		await page.context().close();
	});

	test('a trial: why, log, artifact, copy, stop, retry, cancel', async () => {
		const mine = await server.create(spec({ name: 'one trial' }));
		const at = `/v1/experiments/${mine}`;
		await server.post(`${at}/suggest`, { count: 2, worker: 'w' });
		const log = (text, offset) => server.ok('POST', `${at}/trials/0/log?offset=${offset}`, text, { headers: { 'content-type': 'text/plain' } });
		await log('first line\n', 0);
		await server.ok('PUT', `${at}/trials/0/artifacts/model.bin`, new Uint8Array(3000), { headers: { 'content-type': 'application/octet-stream' } });
		const page = await openPage(browser, server, { allow: [/422/] });
		await page.at(`#/experiments/${mine}/trials/0`);
		await page.getByText('Tuner random proposed trial 0').waitFor();
		await page.getByText('first line').waitFor();
		await log('<b>second</b> line\n', 11);
		await page.getByText('<b>second</b> line').waitFor();
		await server.post(`${at}/observe`, { trial: 0, step: 1, values: { accuracy: 0.25, loss: 3 } });
		await page.getByText('1 report of accuracy, loss').waitFor();
		assert.equal((await saved(page, page.getByRole('link', { name: 'model.bin' }))).data.length, 3000);
		await page.getByRole('button', { name: 'Compute again' }).click();
		await page.getByText('the same parameters').waitFor();

		await page.getByRole('button', { name: 'Copy and edit' }).click();
		await page.getByLabel('Parameters as JSON').fill('{"lr": 5}');
		await page.getByRole('button', { name: 'Submit' }).click();
		await page.getByRole('alert').waitFor();
		await page.getByRole('button', { name: 'Copy and edit' }).click();
		await page.getByLabel('Parameters as JSON').fill('{"lr": 0.5, "batch_size": 16, "op": {"_name": "none"}}');
		await page.getByRole('button', { name: 'Submit' }).click();
		await page.getByRole('link', { name: 'trial 2' }).waitFor();
		assert.equal((await server.get(`${at}/trials/2`)).origin, 'custom');

		await page.getByRole('button', { name: 'Stop early' }).click();
		await page.getByRole('heading', { name: /stopped/ }).waitFor();
		await page.getByRole('button', { name: 'Retry' }).click();
		await page.getByRole('heading', { name: /waiting/ }).waitFor();
		await page.getByRole('link', { name: 'next' }).click();
		await page.getByRole('heading', { name: /^Trial 1/ }).waitFor();
		await page.getByRole('button', { name: 'Cancel', exact: true }).click();
		await page.getByRole('button', { name: 'Cancel the trial' }).click();
		await page.getByRole('heading', { name: /^Trial 1.*cancelled/ }).waitFor();
		await server.ok('DELETE', at);
		page.check();
		await page.context().close();
	});

	test('by keyboard alone', async () => {
		const page = await openPage(browser, server);
		await page.at('#/experiments');
		await page.getByRole('link', { name: 'lenet' }).waitFor();
		const focused = () => page.evaluate(() => document.activeElement.textContent);
		assert.equal(await focused(), 'Experiments'); // the heading, for whoever listens
		for (let i = 0; i < 30 && await focused() !== 'lenet'; i++)
			await page.keyboard.press('Tab');
		await page.keyboard.press('Enter');
		await page.getByRole('heading', { name: /^lenet/ }).waitFor();
		await page.waitForFunction(() => document.activeElement.tagName === 'H1');
		await page.keyboard.press('Tab');
		assert.equal(await focused(), 'Clone');
		await page.keyboard.press('Enter');
		await page.getByRole('dialog').waitFor();
		await page.keyboard.press('Escape');
		await page.getByRole('dialog').waitFor({ state: 'detached' });
		page.check();
		await page.context().close();
	});

	test('colours are chosen, and stay', async () => {
		const page = await openPage(browser, server, { colorScheme: 'light' });
		await page.at('#/experiments');
		await page.getByRole('button', { name: 'Use dark colours' }).click();
		await page.reload();
		await page.getByRole('button', { name: 'Use light colours' }).waitFor();
		assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark');
		page.check();
		await page.context().close();
	});
});

describe('the dashboard of a server with tokens', { skip: chromiumPath() ? false : 'there is no Chromium' }, () => {
	let browser, server, secret;
	before(async () => {
		server = await Server.start();
		await server.create(spec());
		const made = spawnSync(process.env.CAIRND ?? 'build/dev/cairnd', ['token', 'create', '--admin', '--database', server.database], { encoding: 'utf8' });
		secret = /cairn_[\w-]+/.exec(made.stdout)[0];
		await until(async () => (await server.request('GET', '/v1/experiments')).status === 401);
		browser = await launch();
	});
	after(async () => {
		await browser?.close();
		await server?.close();
	});

	test('log in, work, log out; the token is nowhere to be found', async () => {
		const page = await openPage(browser, server, { allow: [/401/] });
		await page.at('#/experiments');
		await page.getByRole('heading', { name: 'Log in' }).waitFor();
		await accessible(page);
		await screenshot(page, 'login');
		await page.getByLabel('Token').fill('cairn_wrong');
		await page.getByRole('button', { name: 'Log in' }).click();
		await page.getByRole('alert').waitFor();
		await page.getByLabel('Token').fill(secret);
		await page.keyboard.press('Enter');
		await page.getByRole('link', { name: 'lenet' }).click();
		await page.getByRole('button', { name: 'Pause' }).click();
		await page.getByRole('button', { name: 'Resume' }).waitFor();
		const kept = await page.evaluate(() => JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }, location.href, document.documentElement.outerHTML]));
		assert.ok(!kept.includes(secret) && !kept.includes('cairn_session'));
		const [cookie] = (await page.context().cookies()).filter((item) => item.name === 'cairn_session');
		assert.ok(cookie.httpOnly && cookie.sameSite === 'Strict');
		// Events come by the cookie too.
		const id = page.url().split('/').at(-1);
		await server.ok('POST', `/v1/experiments/${id}/resume`, undefined, { headers: { authorization: `Bearer ${secret}` } });
		await page.getByRole('button', { name: 'Pause' }).waitFor();
		await page.getByRole('button', { name: 'Log out' }).click();
		await page.getByRole('heading', { name: 'Log in' }).waitFor();
		await page.reload();
		await page.getByRole('heading', { name: 'Log in' }).waitFor();
		page.check();
		await page.context().close();
	});

	test('who may only read sees no buttons that change', async () => {
		const { secret: reader } = await server.post('/v1/tokens', { name: 'reader', scopes: ['read'] }, { headers: { authorization: `Bearer ${secret}` } });
		const page = await openPage(browser, server);
		await page.at('#/experiments');
		await page.getByLabel('Token').fill(reader);
		await page.keyboard.press('Enter');
		await page.getByRole('link', { name: 'lenet' }).click();
		await page.getByRole('heading', { name: 'Limits' }).waitFor();
		for (const name of ['Pause', 'Stop', 'Delete', 'Edit the limits'])
			assert.equal(await page.getByRole('button', { name, exact: true }).count(), 0, name);
		page.check();
		await page.context().close();
	});

	test('another site’s page cannot use the session', async () => {
		const login = await server.request('POST', '/v1/session', { token: secret }, { headers: { origin: server.url } });
		const cookie = login.headers.get('set-cookie').split(';')[0];
		const answer = await server.request('POST', '/v1/experiments', spec(), { headers: { cookie, origin: 'http://evil.example' } });
		assert.equal(answer.status, 403);
	});
});
