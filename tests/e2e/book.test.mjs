// The book's cases through the HTTP API, on every back end.
import test from 'node:test';
import assert from 'node:assert/strict';

import { all, backends, Server, work } from './harness.mjs';
import { B1, B2, B3, H2, H4, S1 } from './book.mjs';

async function best(server, id) {
	return (await server.get(`/v1/experiments/${id}/best?top=1`)).items[0];
}

async function optimise(server, name, kase, tuner, max_trials, workers) {
	const id = await server.create({
		name, search_space: kase.search_space, tuner, limits: { max_trials, concurrency: workers } });
	const { trials, reason } = await work(server, id, (p) => kase.value(p), { workers });
	assert.equal(reason, 'max_trials');
	assert.equal(trials.length, max_trials);
	assert.equal(new Set(trials.map((t) => t.trial)).size, max_trials);
	return { id, best: await best(server, id) };
}

for (const backend of backends()) {
	test(`the book's cases on ${backend.name}`, async (t) => {
		const server = await Server.start({ database: backend.postgres, redis: backend.redis });
		t.after(() => server.close());

		await t.test('B1: evolution, 1000 trials, 4 at a time', async (t) => {
			const run = await optimise(server, 'B1', B1, { name: 'evolution', seed: 1 }, 1000, 4);
			t.diagnostic(`best ${run.best.value} at ${JSON.stringify(run.best.parameters)}`);
			assert.ok(run.best.value > 47 && run.best.value <= B1.optimum);
			assert.ok(run.best.parameters.x >= 47 && run.best.parameters.x <= 50);
			assert.equal(run.best.parameters.y % 2, 0);
		});

		await t.test('B2 with TPE: 100 trials, 8 at a time', async (t) => {
			const run = await optimise(server, 'B2', B2, { name: 'tpe', seed: 2 }, 100, 8);
			const optimum = Math.max(...Array.from({ length: 441 }, (_, i) =>
				B2.value({ x: i % 21 - 10, y: Math.floor(i / 21) - 10 })));
			t.diagnostic(`best ${run.best.value} of ${optimum}`);
			assert.ok(run.best.value > 0.9 * optimum);
			const trials = await all(server, `/v1/experiments/${run.id}/trials?limit=1000`);
			const points = new Set(trials.map((x) => JSON.stringify(x.parameters)));
			assert.equal(points.size, 100, 'the same point was proposed twice');
		});

		for (const max of [100, 1000]) {
			await t.test(`B3 with TPE: ${max} trials, 8 at a time`, async (t) => {
				const run = await optimise(server, 'B3', B3, { name: 'tpe', seed: 3 }, max, 8);
				t.diagnostic(`best ${run.best.value} of ${B3.optimum}`);
				assert.ok(run.best.value > (max === 100 ? 18 : 19.1) && run.best.value < 19.209);
			});
		}

		await t.test('H2: grid walks the nested space, 384 points, then done', async () => {
			const id = await server.create({ name: 'H2', search_space: H2.search_space, tuner: { name: 'GridSearch' } });
			const { trials, reason } = await work(server, id, () => 0.5, { workers: 4, count: 8 });
			assert.equal(reason, 'exhausted');
			assert.equal(trials.length, H2.points);
			assert.equal(new Set(trials.map((x) => JSON.stringify(x.parameters))).size, H2.points);
			for (const { parameters: p } of trials)
				assert.equal('rate' in p.use_dropout, p.use_dropout._name === '1');
		});

		await t.test('H4: no equivalent pipeline twice, no operator twice', async () => {
			const id = await server.create({ name: 'H4', search_space: H4.search_space, canonical: H4.canonical,
				tuner: { name: 'random', seed: 4 } });
			const { trials, reason } = await work(server, id, () => 0.5, { workers: 4, count: 16 });
			const pipelines = trials.map((x) => H4.pipeline(x.parameters));
			assert.equal(reason, 'exhausted');
			assert.equal(new Set(pipelines.map(String)).size, trials.length);
			for (const steps of pipelines) {
				const names = steps.map((s) => JSON.parse(s)._name);
				assert.equal(new Set(names).size, names.length);
			}
			// By hand: selector none or 2; ordered choices of distinct transformers (scaler 1, pca 2, poly 2
			// variants): 1 + 5 + (1*2+1*2+2*2)*2 + (1*2*2)*6 = 46; classifiers 2 + 1.
			assert.equal(trials.length, 3 * 46 * 3);
		});

		await t.test('S1: median stop ends many, none of the good', async (t) => {
			const id = await server.create({ name: 'S1', search_space: S1.search_space,
				tuner: { name: 'random', seed: 5 }, limits: { max_trials: 100, concurrency: 8 },
				assessor: { name: 'Medianstop', classArgs: { start_step: 10 } } });
			await work(server, id, async ({ x }, trial, report) => {
				const curve = S1.curve(x, trial.trial);
				for (let step = 0; step < curve.length; step++)
					if (await report(step, curve[step]) === 'stop')
						return undefined;
				return x;
			}, { workers: 8 });
			const trials = await all(server, `/v1/experiments/${id}/trials?limit=1000`);
			const stopped = trials.filter((x) => x.state === 'stopped');
			t.diagnostic(`${stopped.length} of 100 stopped`);
			assert.ok(stopped.length >= 20);
			assert.ok(stopped.every((x) => x.parameters.x <= 95));
			assert.ok(stopped.every((x) => x.message));
		});

		await t.test('S2: curve fitting stops what will not win', async (t) => {
			const id = await server.create({ name: 'S2', search_space: { a: { _type: 'uniform', _value: [0.3, 0.99] } },
				tuner: { name: 'random', seed: 6 }, limits: { max_trials: 40, concurrency: 4 },
				assessor: { name: 'Curvefitting', classArgs: { epoch_num: 20, start_step: 6, threshold: 0.95, gap: 1 } } });
			await work(server, id, async ({ a }, trial, report) => {
				for (let step = 0; step < 20; step++)
					if (await report(step, a - 0.3 * (step + 1) ** -0.7) === 'stop')
						return undefined;
				return a - 0.3 * 20 ** -0.7;
			}, { workers: 4 });
			const trials = await all(server, `/v1/experiments/${id}/trials?limit=1000`);
			const stopped = trials.filter((x) => x.state === 'stopped');
			const top = Math.max(...trials.map((x) => x.parameters.a));
			t.diagnostic(`${stopped.length} of 40 stopped`);
			assert.ok(stopped.length >= 5);
			assert.ok(stopped.every((x) => x.parameters.a < top));
		});
	});
}
