// Multi-fidelity: trials are paused on rungs and promoted, through HTTP, restarts, the C client and cairn.sh.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { dirname, join, resolve } from 'node:path';
import { once } from 'node:events';

import { all, backends, Server, work } from './harness.mjs';

const probe = join(dirname(resolve(process.env.CAIRN ?? 'build/dev/cairn')), 'client_probe');
const space = { x: { _type: 'uniform', _value: [0, 1] } };
const asha = { name: 'asha', seed: 1, options: { max_resource: 9 } };
const body = (more) => ({ name: 'fidelity', search_space: space, tuner: asha,
	objectives: [{ name: 'default', goal: 'minimize' }], ...more });

// Falls with training; the order of two trials never changes.
const loss = (x, step) => x + 1 / step;

/** Trains as a worker should: from where an attempt before has got to, up to the resource. */
function trainer(steps) {
	return async (parameters, trial, report) => {
		const from = trial.resume_from?.resource ?? 0;
		assert.equal(trial.attempt > 1, from > 0);
		for (let step = from + 1; step <= trial.resource; step++) {
			steps.push([trial.trial, step]);
			const command = await report(step, loss(parameters.x, step));
			if (command === 'pause') {
				assert.equal(step, trial.resource);
				return undefined;
			}
			assert.equal(command, 'continue');
		}
		assert.equal(trial.resource, 9);
		return loss(parameters.x, trial.resource);
	};
}

async function run(command, args, { env = {}, input = '' } = {}) {
	const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...env } });
	let out = '', err = '';
	child.stdout.on('data', (data) => { out += data; });
	child.stderr.on('data', (data) => { err += data; });
	child.stdin.end(input);
	const [code] = await once(child, 'close');
	assert.equal(code, 0, err);
	return out.trim().split('\n');
}

/** What must be true of a finished run of n trials. */
async function check(server, id, n) {
	const experiment = await server.get(`/v1/experiments/${id}`);
	assert.equal(experiment.status, 'done');
	assert.equal(experiment.reason, 'max_trials');
	const trials = await all(server, `/v1/experiments/${id}/trials?limit=7`);
	assert.equal(trials.length, n);
	const least = Math.min(...trials.map((x) => x.parameters.x));
	const { items } = await server.get(`/v1/experiments/${id}/best?top=1`);
	assert.equal(items[0].state, 'succeeded');
	assert.equal(items[0].parameters.x, least);
	for (const trial of trials) {
		if (trial.state === 'succeeded') {
			assert.equal(trial.resource, 9);
			assert.equal(trial.value, loss(trial.parameters.x, 9));
		} else {
			assert.equal(trial.state, 'paused');
			assert.equal(trial.value, null);
			assert.equal(trial.last_step, trial.resource);
			assert.equal(trial.last_value, loss(trial.parameters.x, trial.resource));
			assert.equal(trial.lease_expires_at, null);
		}
	}
	const events = await all(server, `/v1/experiments/${id}/events?limit=1000`);
	events.forEach((event, i) => assert.equal(event.version, i + 1));
	/* A pause comes right after the report that brought it. */
	const pauses = events.filter((event) => event.type === 'paused');
	for (const pause of pauses) {
		const before = events[pause.version - 2];
		assert.deepEqual([before.type, before.trial, before.attempt, before.step],
			['reported', pause.trial, pause.attempt, pause.resource]);
	}
	const promotions = events.filter((event) => event.type === 'assigned');
	assert.ok(promotions.length >= Math.floor(n / 3));
	assert.equal(pauses.length + trials.filter((x) => x.state === 'succeeded').length, n + promotions.length);
	return { trials, events };
}

for (const backend of backends()) {
	test(`four workers climb on ${backend.name}`, async (t) => {
		const server = await Server.start({ database: backend.postgres, redis: backend.redis });
		t.after(() => server.close());
		const id = await server.create(body({ limits: { max_trials: 27 } }));
		const steps = [];
		const { reason } = await work(server, id, trainer(steps));
		assert.equal(reason, 'max_trials');
		await check(server, id, 27);
		/* No step is trained twice, and far fewer than 27 times 9 are. */
		assert.equal(new Set(steps.map(String)).size, steps.length);
		assert.ok(steps.length < 27 * 9 / 2, `${steps.length} steps`);
		t.diagnostic(`${steps.length} steps for 27 trials`);
	});

	test(`kill -9 between pause and promotion on ${backend.name}`, async (t) => {
		let server = await Server.start({ database: backend.postgres, redis: backend.redis });
		t.after(() => server.close());
		const id = await server.create(body({ limits: { max_trials: 9 } }));
		const steps = [];
		for (let taken = 0; ; taken++) {
			const answer = await server.post(`/v1/experiments/${id}/suggest`, { worker: 'w' });
			if (answer.done)
				break;
			for (const trial of answer.trials) {
				const observe = (item) => server.post(`/v1/experiments/${id}/observe`, { trial: trial.trial, ...item });
				const value = await trainer(steps)(trial.parameters, trial,
					async (step, v) => (await observe({ step, value: v })).items[0].command);
				if (value !== undefined)
					await observe({ value, final: true });
			}
			if (taken % 3 === 2) {
				await server.kill();
				server = await Server.start({ database: server.database, redis: backend.redis, keep: server.dir });
			}
		}
		const { events } = await check(server, id, 9);
		/* Its log, read elsewhere, is the same experiment. */
		const { text } = await server.request('GET', `/v1/experiments/${id}/export`);
		const copy = await server.ok('POST', '/v1/experiments/import', text, { headers: { 'content-type': 'application/x-ndjson' } });
		assert.equal((await check(server, copy.id, 9)).events.length, events.length);
	});
}

test('the protocol, request by request', async (t) => {
	const server = await Server.start();
	t.after(() => server.close());
	const { items } = await server.get('/v1/tuners');
	for (const name of ['hyperband', 'asha', 'pasha', 'bohb', 'dehb', 'pbt'])
		assert.ok(items.find((x) => x.name === name).capabilities.includes('multi_fidelity'), name);
	const id = await server.create(body({ limits: { max_trials: 3, max_retries: 3 } }));
	const suggest = async (more) => (await server.post(`/v1/experiments/${id}/suggest`, { worker: 'w', ...more })).trials;
	const observe = (item) => server.post(`/v1/experiments/${id}/observe`, item);
	assert.deepEqual((await server.get(`/v1/experiments/${id}/best`)).items, []);
	for (let i = 0; i < 3; i++) {
		const [trial] = await suggest();
		assert.deepEqual([trial.trial, trial.attempt, trial.resource, trial.resume_from], [i, 1, 1, undefined]);
		const { items: [item] } = await observe({ trial: i, value: i, final: true, checkpoint: `ckpt-${i}` });
		assert.deepEqual([item.command, item.reason, item.state, item.repeated], ['pause', 'rung', 'paused', false]);
		const { items: [again] } = await observe({ trial: i, value: i, final: true, checkpoint: `ckpt-${i}` });
		assert.deepEqual([again.command, again.repeated], ['pause', true]);
	}
	/* None is complete: the best are those that wait. */
	assert.deepEqual((await server.get(`/v1/experiments/${id}/best?top=2`)).items.map((x) => x.trial), [0, 1]);
	const [promoted] = await suggest();
	assert.deepEqual([promoted.trial, promoted.attempt, promoted.resource], [0, 2, 3]);
	assert.deepEqual(promoted.resume_from, { trial: 0, step: 1, resource: 1, checkpoint: 'ckpt-0' });
	assert.equal((await observe({ trial: 0, step: 2, value: 0.5 })).items[0].command, 'continue');
	/* A worker that gives it back, and the one that takes it then. */
	await server.post(`/v1/experiments/${id}/trials/0/release`, {});
	const [back] = await suggest();
	assert.deepEqual([back.trial, back.attempt, back.resource], [0, 3, 3]);
	assert.deepEqual(back.resume_from, { trial: 0, step: 2, resource: 1, checkpoint: 'ckpt-0' });
	/* The same worker again, by its own wish. */
	const [resumed] = await suggest({ resume: true });
	assert.deepEqual(resumed, back);
	const refused = await server.request('POST', `/v1/experiments/${id}/observe`, { trial: 1, value: 7, final: true });
	assert.equal(refused.status, 409);
	await observe({ trial: 0, step: 3, value: 0.25 });
	const last = await server.post(`/v1/experiments/${id}/suggest`, { worker: 'w' });
	assert.deepEqual([last.done, last.reason], [true, 'max_trials']);
	const experiment = await server.get(`/v1/experiments/${id}`);
	assert.equal(experiment.counts.paused, 3);
	/* Options that contradict each other, and a live edit that lets the rest go on. */
	const bad = await server.request('POST', '/v1/experiments', body({ tuner: { name: 'asha', options: { min_resource: 10, max_resource: 9 } } }));
	assert.equal(bad.status, 422);
	assert.equal(bad.body.errors[0].pointer, '/tuner/options/min_resource');
	await server.ok('PATCH', `/v1/experiments/${id}`, { limits: { max_trials: 6 } });
	for (let i = 3; i < 6; i++) {
		assert.equal((await suggest())[0].trial, i);
		await observe({ trial: i, value: i, final: true });
	}
	const [second] = await suggest();
	assert.deepEqual([second.trial, second.resource], [1, 3]);
});

test('hyperband with NNI\'s names', async (t) => {
	const server = await Server.start();
	t.after(() => server.close());
	const id = await server.create(body({ limits: { max_trials: 17 },
		tuner: { name: 'Hyperband', classArgs: { optimize_mode: 'minimize', R: 9, eta: 3, exec_mode: 'serial' } } }));
	await work(server, id, trainer([]));
	const { trials } = await check(server, id, 17); /* 9 at 1, 5 at 3, 3 at 9 */
	assert.equal(trials.filter((x) => x.state === 'succeeded').length, 1 + 1 + 3);
});

test('the C client', async (t) => {
	const server = await Server.start();
	t.after(() => server.close());
	const id = await server.create(body({ limits: { max_trials: 9 } }));
	const lines = await run(probe, ['climb', id], { env: { CAIRN_URL: server.url } });
	assert.deepEqual(lines.filter((line) => line.startsWith('0 ')).slice(0, 1), ['0 1 0']);
	assert.ok(lines.some((line) => line.endsWith(' 3 1')) && lines.some((line) => line.endsWith(' 9 3')));
	await check(server, id, 9);
});

test('cairn.sh', async (t) => {
	const server = await Server.start();
	t.after(() => server.close());
	const id = await server.create(body({ limits: { max_trials: 6 } }));
	const lines = await run('sh', ['-c', `
		. clients/shell/cairn.sh
		while cairn_suggest "$1"; do
			echo "$CAIRN_TRIAL $CAIRN_RESOURCE $CAIRN_START \${CAIRN_CHECKPOINT:-none}"
			x=$(cairn_param x) step=$CAIRN_START ended=
			while [ "$step" -lt "$CAIRN_RESOURCE" ]; do
				step=$((step + 1))
				cairn_report "$x" "$step" || { echo "$? $CAIRN_COMMAND"; ended=1; break; }
			done
			[ "$ended" ] || cairn_final "$x"
		done
		echo "$CAIRN_REASON"`, 'worker', id], { env: { CAIRN_URL: server.url } });
	assert.equal(lines.at(-1), 'max_trials');
	const taken = lines.filter((line) => line.endsWith(' none'));
	assert.equal(taken.filter((line) => line.endsWith(' 1 0 none')).length, 6);
	assert.ok(taken.filter((line) => line.endsWith(' 3 1 none')).length >= 2);
	assert.equal(lines.filter((line) => line === '4 pause').length,
		taken.filter((line) => !/ 9 3 none$/.test(line)).length);
	const { counts } = await server.get(`/v1/experiments/${id}`);
	assert.equal(counts.paused + counts.succeeded, 6);
});

// The best rate is large first and small later: what a trial is worth depends on the way it took.
const rates = { name: 'population', search_space: { h: { _type: 'loguniform', _value: [0.001, 1] } },
	objectives: [{ name: 'default', goal: 'minimize' }],
	tuner: { name: 'pbt', seed: 3, options: { population_size: 6, interval: 5, max_resource: 40 } } };
const learn = (h, error) => (1 - h) ** 2 * error + h * h;

/** A worker that keeps its state under a name that says whose it is and of which step. */
function member(server, id, stored, steps) {
	return async (trial) => {
		const from = trial.resume_from;
		let error = 100, step = from?.resource ?? 0;
		assert.equal(step > 0, from !== undefined);
		if (from) {
			assert.equal(from.checkpoint, `${from.trial}-${from.resource}`);
			assert.equal(from.step, from.resource);
			error = stored.get(from.checkpoint);
		}
		assert.ok(step < trial.resource && trial.resource <= 40);
		for (; step < trial.resource; steps.push([trial.trial, ++step]))
			error = learn(trial.parameters.h, error);
		const checkpoint = `${trial.trial}-${step}`;
		stored.set(checkpoint, error);
		const { items: [item] } = await server().post(`/v1/experiments/${id}/observe`,
			{ trial: trial.trial, attempt: trial.attempt, value: error, final: true, checkpoint });
		assert.equal(item.state, step === 40 ? 'succeeded' : 'paused');
	};
}

for (const backend of backends()) {
	test(`a population on ${backend.name}, kill -9 now and then`, async (t) => {
		let server = await Server.start({ database: backend.postgres, redis: backend.redis });
		t.after(() => server.close());
		const id = await server.create(rates);
		const stored = new Map(), steps = [], go = member(() => server, id, stored, steps);
		let reason;
		for (let taken = 1; !reason; taken++) {
			const answer = await server.post(`/v1/experiments/${id}/suggest`, { worker: 'w', count: 2 });
			reason = answer.done && answer.reason;
			for (const trial of answer.trials)
				await go(trial);
			if (taken % 9 === 0) {
				await server.kill();
				server = await Server.start({ database: server.database, redis: backend.redis, keep: server.dir });
			}
		}
		assert.equal(reason, 'exhausted');
		const trials = await all(server, `/v1/experiments/${id}/trials?limit=7`);
		const forks = trials.filter((trial) => trial.parent !== null);
		assert.ok(forks.length > 2);
		assert.equal(trials.length, 6 + forks.length);
		/* Six members train each step once, whoever stands in for whom. */
		assert.equal(steps.length, 6 * 40);
		assert.equal(new Set(steps.map(String)).size, steps.length);
		assert.equal(trials.filter((trial) => trial.state === 'succeeded').length, 6);
		/* Better than any one rate from the first step to the last. */
		const { items: [best] } = await server.get(`/v1/experiments/${id}/best`);
		let fixed = Infinity;
		for (let h = 0.001; h < 1; h += 0.001) {
			let error = 100;
			for (let step = 0; step < 40; step++)
				error = learn(h, error);
			fixed = Math.min(fixed, error);
		}
		t.diagnostic(`${best.value} with a schedule, ${fixed} with the best fixed rate`);
		assert.ok(best.value < fixed);
		for (const trial of forks.slice(0, 3)) {
			const replay = await server.post(`/v1/experiments/${id}/trials/${trial.trial}/replay`);
			assert.equal(replay.equal, true);
			const explained = await server.get(`/v1/experiments/${id}/trials/${trial.trial}/explain`);
			assert.equal(explained.parent, trial.parent);
		}
		const { text } = await server.request('GET', `/v1/experiments/${id}/export`);
		const copy = await server.ok('POST', '/v1/experiments/import', text, { headers: { 'content-type': 'application/x-ndjson' } });
		const again = await all(server, `/v1/experiments/${copy.id}/trials`);
		assert.deepEqual(again.map((x) => x.parent), trials.map((x) => x.parent));
	});
}

test('four workers of a population, with NNI\'s names, up to max_trials', async (t) => {
	const server = await Server.start();
	t.after(() => server.close());
	const id = await server.create({ ...rates, limits: { max_trials: 9 }, tuner: { name: 'PBTTuner',
		classArgs: { optimize_mode: 'minimize', all_checkpoint_dir: '/nfs/checkpoints', population_size: 6,
			factor: 0.2, resample_probability: 0.25, fraction: 0.2, interval: 5, max_resource: 40 } } });
	const go = member(() => server, id, new Map(), []);
	const reasons = await Promise.all(['a', 'b', 'c', 'd'].map(async (worker) => {
		for (;;) {
			const answer = await server.post(`/v1/experiments/${id}/suggest`, { worker, wait: '5s' });
			if (answer.done)
				return answer.reason;
			await go(answer.trials[0] ?? assert.fail(answer.reason));
		}
	}));
	assert.deepEqual([...new Set(reasons)], ['max_trials']);
	const { counts, tuner } = await server.get(`/v1/experiments/${id}`);
	assert.equal(counts.succeeded + counts.paused, 9);
	assert.ok(counts.succeeded >= 2);
	assert.equal(tuner.name, 'pbt');
	assert.equal(tuner.options.all_checkpoint_dir, undefined);
});

/* x + 1 / step: who copies somebody begins where that one is. */
const copies = { tuner: { name: 'pbt', seed: 1, options: { population_size: 3, fraction: 0.34, interval: 3, max_resource: 9 } } };

test('the C client in a population', async (t) => {
	const server = await Server.start();
	t.after(() => server.close());
	const id = await server.create(body(copies));
	const lines = await run(probe, ['climb', id], { env: { CAIRN_URL: server.url } });
	const forks = (await all(server, `/v1/experiments/${id}/trials`)).filter((x) => x.parent !== null);
	assert.ok(forks.length > 0);
	assert.deepEqual(lines.filter((line) => line.includes('from')).map((line) => line.split(' from ').map((x) => x.split(' ')[0])),
		forks.map((x) => [String(x.trial), String(x.parent)]));
	assert.ok(lines.some((line) => /^3 6 3 from \d$/.test(line)), lines.join());
});

test('cairn.sh in a population', async (t) => {
	const server = await Server.start();
	t.after(() => server.close());
	const id = await server.create(body(copies));
	const lines = await run('sh', ['-c', `
		. clients/shell/cairn.sh
		while cairn_suggest "$1"; do
			echo "$CAIRN_TRIAL $CAIRN_RESOURCE $CAIRN_START \${CAIRN_SOURCE:-none} \${CAIRN_CHECKPOINT:-none}"
			_cairn_observe "\\"value\\":$(cairn_param x),\\"final\\":true,\\"checkpoint\\":\\"$CAIRN_TRIAL-$CAIRN_RESOURCE\\""
		done
		echo "$CAIRN_REASON"`, 'worker', id], { env: { CAIRN_URL: server.url } });
	assert.equal(lines.at(-1), 'exhausted');
	assert.deepEqual(lines.slice(0, 3), ['0 3 0 none none', '1 3 0 none none', '2 3 0 none none']);
	const forks = (await all(server, `/v1/experiments/${id}/trials`)).filter((x) => x.parent !== null);
	assert.ok(forks.length > 0);
	for (const { trial, parent } of forks)
		assert.ok(lines.some((line) => [3, 6].some((from) => line === `${trial} ${from + 3} ${from} ${parent} ${parent}-${from}`)), lines.join('\n'));
	assert.equal(lines.length, 10);
});
