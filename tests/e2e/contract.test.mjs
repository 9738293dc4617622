// Every operation of openapi.yaml against a running server, on every back end: it works, it refuses what it
// should, and every answer fits the contract (harness.mjs checks each).
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';

import { operations } from '../contract/openapi.mjs';
import { all, backends, seen, Server } from './harness.mjs';

const spec = {
	name: 'contract', note: 'a *note*', labels: { team: 'vision', stage: 'dev' },
	search_space: {
		lr: { _type: 'loguniform', _value: [1e-5, 1] },
		op: { _type: 'choice', _value: [{ _name: 'conv', k: { _type: 'choice', _value: [3, 5] } }, { _name: 'none' }] },
	},
	objectives: [{ name: 'accuracy', goal: 'maximize' }],
	constraints: [{ metric: 'latency', max: 20 }],
	tuner: { name: 'random', seed: 1 },
	assessor: { name: 'Medianstop', classArgs: { start_step: 3 } },
	limits: { max_trials: 100, concurrency: 50, max_duration: '5h', max_trial_duration: '30m', max_retries: 1 },
};

async function experiments(server) {
	const created = await server.request('POST', '/v1/experiments', spec, { headers: { 'idempotency-key': 'k-1' } });
	assert.equal(created.status, 201);
	const id = created.body.id;
	assert.equal(created.headers.get('location'), `/v1/experiments/${id}`);
	const again = await server.request('POST', '/v1/experiments', spec, { headers: { 'idempotency-key': 'k-1' } });
	assert.equal(again.body.id, id);
	const other = await server.request('POST', '/v1/experiments', { ...spec, name: 'x' }, { headers: { 'idempotency-key': 'k-1' } });
	assert.equal(other.status, 422);

	const bad = await server.request('POST', '/v1/experiments', { ...spec, surprise: 1, limits: { max_trials: 0.5 },
		search_space: { lr: { _type: 'uniform', _value: [2, 1] } } });
	assert.equal(bad.status, 422);
	const pointers = bad.body.errors.map((e) => e.pointer);
	for (const pointer of ['/surprise', '/limits/max_trials', '/search_space/lr/_value'])
		assert.ok(pointers.some((p) => p.startsWith(pointer)), `${pointer} in ${pointers}`);

	const got = await server.request('GET', `/v1/experiments/${id}`);
	const edited = await server.request('PATCH', `/v1/experiments/${id}`, { limits: { max_trials: 50 } },
		{ headers: { 'if-match': got.headers.get('etag') } });
	assert.equal(edited.status, 200);
	assert.equal(edited.body.limits.max_trials, 50);
	const stale = await server.request('PATCH', `/v1/experiments/${id}`, { name: 'y' },
		{ headers: { 'if-match': got.headers.get('etag') } });
	assert.equal(stale.status, 412);
	for (const verb of ['pause', 'resume', 'stop', 'resume'])
		await server.post(`/v1/experiments/${id}/${verb}`);
	const filtered = await all(server, '/v1/experiments?label=stage:dev&status=running&name=CONTR&limit=1');
	assert.deepEqual(filtered.map((x) => x.id), [id]);
	for (const accept of ['text/csv', 'application/x-ndjson'])
		assert.equal((await server.request('GET', '/v1/experiments', undefined, { headers: { accept } })).status, 200);
	return id;
}

async function loop(server, id) {
	const at = `/v1/experiments/${id}`;
	const { trials } = await server.post(`${at}/suggest`, { count: 6, worker: 'w', lease: '5m' });
	assert.equal(trials.length, 6);
	const items = (await server.post(`${at}/observe`, [
		{ trial: 0, step: 1, value: 0.5 },
		{ trial: 0, values: { accuracy: 0.9, latency: { value: 12, stderr: 0.5 } }, final: true },
		{ trial: 1, values: { accuracy: 'nan', latency: 1 }, final: true },
		{ trial: 2, status: 'failed', message: 'out of memory' },
		{ trial: 77, value: 1 },
	])).items;
	assert.deepEqual(items.map((x) => x.accepted), [true, true, true, true, false]);
	assert.equal(items[4].error.status, 404);
	assert.equal((await server.request('POST', `${at}/observe`, { trial: 0, value: 0.1, final: true })).status, 409);
	assert.equal((await server.request('POST', `${at}/observe`, { trial: 77, value: 0.1, final: true })).status, 404);
	await server.post(`${at}/trials/3/heartbeat`, { attempt: 1 });
	await server.post(`${at}/trials/3/release`);
	assert.equal((await server.request('POST', `${at}/trials/3/heartbeat`, { attempt: 1 })).status, 410);
	await server.post(`${at}/trials/4/cancel`);
	await server.post(`${at}/trials/5/stop`);
	await server.post(`${at}/trials/2/retry`);
	const custom = await server.request('POST', `${at}/trials`, { parameters: { lr: 0.5, op: { _name: 'none' } } });
	assert.equal(custom.status, 201);
	const rows = await server.post(`${at}/seed`, [
		{ parameters: { lr: 0.1, op: { _name: 'conv', k: 3 } }, values: { accuracy: 0, latency: 3 }, curve: [{ step: 0, value: 0.1 }, { step: 1, value: 0.2 }] },
		{ parameters: { lr: 9 }, value: 1 },
	]);
	assert.deepEqual(rows.items.map((x) => x.accepted), [true, false]);
}

async function reading(server, id) {
	const at = `/v1/experiments/${id}`;
	for (const path of ['', '/trials', '/trials/0', '/trials/0/metrics', '/trials/0/explain', '/best?top=3', '/best?rank=expected', '/pareto', '/health',
		'/importance', '/importance?method=fanova&objective=accuracy&top=3',
		'/progress', '/events?since=0&limit=5', '/trials?sort=best', '/trials?state=failed&limit=1'])
		await server.get(at + path);
	for (const accept of ['text/csv', 'application/x-ndjson']) {
		const { text } = await server.request('GET', `${at}/trials`, undefined, { headers: { accept } });
		assert.ok(text.trim().split('\n').length >= 6);
	}
	assert.equal((await server.post(`${at}/trials/0/replay`)).equal, true);
	assert.equal((await server.request('GET', `${at}/trials/999`)).status, 404);
	assert.equal((await server.request('GET', '/v1/experiments/exp_nope')).status, 404);
	assert.equal((await server.request('GET', `${at}/trials?cursor=made-up`)).status, 400);
	assert.equal((await server.request('GET', `${at}?surprise=1`)).status, 400);
}

async function files(server, id) {
	const at = `/v1/experiments/${id}/trials/0`;
	const data = new Uint8Array(300000).map((_, i) => i % 251);
	const put = await server.request('PUT', `${at}/artifacts/model.bin`, data, { headers: { 'content-type': 'application/octet-stream' } });
	assert.ok(put.status === 200 || put.status === 201);
	const back = await fetch(`${server.url}${at}/artifacts/model.bin`);
	assert.deepEqual(new Uint8Array(await back.arrayBuffer()), data);
	await server.request('GET', `${at}/artifacts/model.bin`, undefined, { contract: false });
	assert.equal((await server.get(`${at}/artifacts`)).items.length, 1);
	await server.ok('DELETE', `${at}/artifacts/model.bin`);
	await server.ok('POST', `${at}/log?offset=0`, 'line 1\n', { headers: { 'content-type': 'text/plain' } });
	const clash = await server.request('POST', `${at}/log?offset=0`, 'line 2\n', { headers: { 'content-type': 'text/plain' } });
	assert.equal(clash.status, 409);
	assert.equal((await server.request('GET', `${at}/log`)).text, 'line 1\n');
}

async function transfer(server, id) {
	const { text } = await server.request('GET', `/v1/experiments/${id}/export`);
	const imported = await server.ok('POST', '/v1/experiments/import', text, { headers: { 'content-type': 'application/x-ndjson' } });
	const a = await server.post(`/v1/experiments/${id}/suggest`, { count: 30 });
	const b = await server.post(`/v1/experiments/${imported.id}/suggest`, { count: 30 });
	const fresh = (answer) => answer.trials.filter((x) => x.attempt === 1 && x.meta).map((x) => [x.trial, x.parameters]);
	assert.deepEqual(fresh(b).slice(-5), fresh(a).slice(-5), 'an imported experiment goes on as the first would');
	const clone = await server.post(`/v1/experiments/${id}/clone`, { name: 'clone' });
	assert.equal((await server.get(`/v1/experiments/${clone.id}`)).counts.running, 0);
	await server.ok('DELETE', `/v1/experiments/${clone.id}`);
	assert.equal((await server.request('GET', `/v1/experiments/${clone.id}`)).status, 404);
}

async function events(server, id) {
	const control = new AbortController();
	const response = await fetch(`${server.url}/v1/experiments/${id}/events`, {
		headers: { accept: 'text/event-stream', 'last-event-id': '3' }, signal: control.signal });
	assert.match(response.headers.get('content-type'), /^text\/event-stream/);
	const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
	let text = '';
	const until = async (pattern) => {
		while (!pattern.test(text))
			text += (await reader.read()).value;
	};
	await until(/\nid: 4\n/);
	const { version } = await server.get(`/v1/experiments/${id}`);
	await server.post(`/v1/experiments/${id}/pause`);
	await until(new RegExp(`id: ${version + 1}\\n`));
	control.abort();
	await server.post(`/v1/experiments/${id}/resume`);
}

async function catalogue(server) {
	const tuners = await server.get('/v1/tuners');
	for (const name of ['random', 'sobol', 'gridsearch', 'batch', 'evolution', 'anneal', 'tpe', 'external'])
		assert.ok(tuners.items.some((x) => x.name === name), name);
	await server.get('/v1/assessors');
	const valid = await server.post('/v1/spaces/validate', { search_space: spec.search_space });
	assert.equal(valid.valid, true);
	await server.post('/v1/spaces/sample', { search_space: spec.search_space, count: 3, seed: 1 });
	assert.equal((await server.request('POST', '/v1/spaces/validate', { search_space: { x: 1 } })).status, 422);
	assert.equal((await server.post('/v1/experiments/validate', spec)).valid, true);
	assert.equal((await server.request('POST', '/v1/experiments/validate', { name: 'x' })).status, 422);
	const page = await server.request('GET', '/');
	// The status page of a build without node has no files; the request is made to be seen.
	for (const [, file] of page.text.matchAll(/"(\/assets\/[^"]+)"/g))
		assert.match((await server.request('GET', file)).headers.get('cache-control'), /immutable/);
	assert.equal((await server.request('GET', '/assets/none')).status, 404);
	await server.get('/v1/pruners');
	const lenet = [{ name: 'image', type: 'Input', shape: [1, 28, 28] },
		{ name: 'conv', type: 'Conv2d', out_channels: 16, kernel_size: 5 }, { name: 'flat', type: 'Flatten' },
		{ name: 'fc', type: 'Linear', out_features: 10 }];
	const plan = await server.post('/v1/pruning/plan', { model: { layers: lenet }, kept: { conv: 7 } });
	assert.equal(plan.pruned.parameters, 7 * 26 + 7 * 576 * 10 + 10);
	const path = await server.post('/v1/pruning/plan', { model: { layers: lenet }, pruner: 'L1NormPruner', min_keep: 3,
		config_list: [{ total_sparsity: 0.9, max_sparsity_per_layer: { conv: 0.95 }, op_types: ['Conv2d'] }],
		schedule: { name: 'agp', total_iteration: 4 } });
	assert.deepEqual(path.steps.map((x) => x.kept.conv), [16, 8, 4, 3, 3]);
	assert.equal((await server.request('POST', '/v1/pruning/plan', { model: { layers: lenet }, kept: { fc: 7 } })).status, 422);
	for (const path of ['/', '/docs', '/docs/problems', '/healthz', '/readyz', '/metrics', '/openapi.yaml', '/version'])
		assert.equal((await server.request('GET', path)).status, 200, path);
	assert.equal((await server.request('HEAD', '/healthz')).status, 200);
	assert.equal((await server.request('OPTIONS', '/v1/tuners', undefined, { contract: false })).status, 204);
	const wrong = await server.request('DELETE', '/v1/tuners');
	assert.equal(wrong.status, 405);
	assert.match(wrong.headers.get('allow'), /GET/);
}

async function models(server) {
	const model_space = {
		inputs: { x: [4] },
		nodes: {
			fc: { type: 'Linear', parameters: { out_features: { type: 'ValueChoice', values: [2, 8], label: 'width' } } },
			act: { type: 'LayerChoice', label: 'act', candidates: { relu: { type: 'ReLU' }, tanh: { type: 'Tanh' } } },
		},
		edges: [{ from: '_inputs', to: 'fc' }, { from: 'fc', to: 'act' }, { from: 'act', to: '_outputs' }],
	};
	const { items } = await server.get('/v1/model_spaces');
	assert.equal((await server.get(`/v1/model_spaces/${items[0].name}`)).title, items[0].title);
	assert.equal((await server.request('GET', '/v1/model_spaces/nowhere')).status, 404);
	const report = await server.post('/v1/model_spaces', { model_space });
	assert.equal(report.count, '4');
	assert.equal(report.distinct, 4);
	assert.deepEqual(report.measured.parameters, { min: 10, max: 40 });
	assert.equal((await server.request('POST', '/v1/model_spaces', { model_space: { ...model_space, edges: [] } })).status, 422);
	const { status, body } = await server.request('POST', '/v1/experiments', { name: 'models', kind: 'nas', model_space, tuner: { name: 'random' } });
	assert.equal(status, 201);
	assert.deepEqual(Object.keys(body.search_space), ['width', 'act']);
	const { trials } = await server.post(`/v1/experiments/${body.id}/suggest`);
	const at = `/v1/experiments/${body.id}/trials/0/model`;
	const { model, summary } = await server.get(at);
	assert.equal(model.nodes.fc.parameters.out_features, trials[0].parameters.width);
	assert.equal(summary.parameters, 5 * trials[0].parameters.width);
	assert.match((await server.request('GET', `${at}?format=dot`)).text, /^digraph model/);
	assert.match((await server.request('GET', `${at}?format=onnx`)).text, /cairn/);
	assert.equal((await server.request('GET', `${at}?format=picture`)).status, 400);
}

async function people(server, id) {
	const made = spawnSync(process.env.CAIRND ?? 'build/dev/cairnd',
		['token', 'create', '--admin', '--database', server.database], { encoding: 'utf8' });
	assert.equal(made.status, 0, made.stderr);
	const secret = /cairn_[\w-]+/.exec(made.stdout)[0];
	const admin = { headers: { authorization: `Bearer ${secret}` } };
	let answer;
	do
		answer = await server.request('GET', `/v1/experiments/${id}`);
	while (answer.status === 200); // open mode ends within a second of the first token
	assert.equal(answer.status, 401);
	assert.match(answer.headers.get('www-authenticate'), /Bearer/);

	const origin = { origin: server.url };
	assert.equal((await server.get('/v1/session')).authenticated, false);
	const login = await server.request('POST', '/v1/session', { token: secret }, { headers: origin });
	assert.equal(login.status, 200);
	const cookie = { ...origin, cookie: login.headers.get('set-cookie').split(';')[0] };
	assert.equal((await server.get('/v1/session', { headers: cookie })).authenticated, true);
	assert.equal((await server.request('GET', `/v1/experiments/${id}`, undefined, { headers: cookie })).status, 200);
	assert.equal((await server.request('DELETE', '/v1/session', undefined, { headers: cookie })).status, 204);

	await server.post('/v1/teams', { id: 'blue', name: 'Blue' }, admin);
	await server.get('/v1/teams', admin);
	await server.get('/v1/teams/blue', admin);
	await server.ok('PUT', '/v1/teams/blue/quota', { experiments: 1 }, admin);
	await server.get('/v1/teams/blue/quota', admin);
	const token = await server.post('/v1/tokens', { team: 'blue', name: 'worker', scopes: ['read', 'trial', 'write'] }, admin);
	const blue = { headers: { authorization: `Bearer ${token.secret}` } };
	assert.equal((await server.request('GET', `/v1/experiments/${id}`, undefined, blue)).status, 404);
	const own = await server.request('POST', '/v1/experiments', spec, blue);
	assert.equal(own.status, 201);
	assert.equal((await server.request('POST', '/v1/experiments', { ...spec, name: 'second' }, blue)).status, 429);
	assert.equal((await server.request('GET', '/v1/tokens', undefined, blue)).status, 403);
	await server.ok('DELETE', `/v1/experiments/${own.body.id}`, undefined, blue);
	await server.get('/v1/tokens', admin);
	assert.ok((await server.get('/v1/audit', admin)).items.length > 3);
	await server.ok('DELETE', `/v1/tokens/${token.id}`, undefined, admin);
	let status;
	do
		({ status } = await server.request('GET', '/v1/experiments', undefined, blue));
	while (status === 200); // a revoked token lives in the cache for seconds
	assert.equal(status, 401);
	await server.ok('DELETE', '/v1/teams/blue', undefined, admin);
}

for (const backend of backends()) {
	test(`the contract on ${backend.name}`, async (t) => {
		const server = await Server.start({ database: backend.fresh ? await backend.fresh() : undefined, redis: backend.redis });
		t.after(() => server.close());
		let id;
		seen.clear();
		await t.test('experiments', async () => { id = await experiments(server); });
		await t.test('the loop', () => loop(server, id));
		await t.test('reading', () => reading(server, id));
		await t.test('artifacts and logs', () => files(server, id));
		await t.test('server-sent events', () => events(server, id));
		await t.test('transfer', () => transfer(server, id));
		await t.test('catalogue and process', () => catalogue(server));
		await t.test('model spaces', () => models(server));
		await t.test('teams, tokens, quotas, audit', () => people(server, id));
		await t.test('no operation was left out', async () => {
			const dashboard = (await server.request('GET', '/')).text.includes('"/assets/');
			const missing = operations().map((row) => row.operation.operationId)
				.filter((name) => name !== 'getAsset' || dashboard)
				.filter((name) => ![...(seen.get(name) ?? [])].some((status) => status >= 200 && status < 300));
			assert.deepEqual(missing, []);
		});
	});
}
test('the best by expectation, where one observation was lucky', async (t) => {
	const server = await Server.start();
	t.after(() => server.close());
	const id = await server.create({ name: 'noisy', tuner: { name: 'external' },
		search_space: { x: { _type: 'uniform', _value: [0, 1] } }, objectives: [{ name: 'loss', goal: 'minimize' }] });
	const rows = Array.from({ length: 40 }, (_, i) => ({ parameters: { x: (i % 20) / 20 },
		value: (i % 20 / 20 - 0.3) ** 2 + 0.03 * Math.sin(7 * i) - (i === 37 ? 0.6 : 0) }));
	await server.post(`/v1/experiments/${id}/seed`, rows);
	const { items: [lucky] } = await server.get(`/v1/experiments/${id}/best`);
	assert.equal(lucky.trial, 37);
	const { items, noise, used } = await server.get(`/v1/experiments/${id}/best?rank=expected&top=5`);
	assert.equal(used, 40);
	assert.equal(items.length, 5);
	assert.ok(noise > 0.01, `noise ${noise}`);
	for (const { parameters, expected } of items) {
		assert.ok(Math.abs(parameters.x - 0.3) <= 0.25, `x ${parameters.x}`);
		assert.ok(expected.stderr > 0 && Math.abs(expected.value) < 0.1);
	}
	const experiment = await server.get(`/v1/experiments/${id}`);
	assert.equal(experiment.best.trial, 37);
});

