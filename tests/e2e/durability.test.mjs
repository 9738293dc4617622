// kill -9, lost locks, several replicas, an orderly end: nothing acknowledged is lost, nothing is counted twice.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';

import { all, backends, Server, until, work } from './harness.mjs';

const space = { x: { _type: 'uniform', _value: [0, 1] } };

async function gapless(server, id) {
	const events = await all(server, `/v1/experiments/${id}/events?limit=1000`);
	events.forEach((event, i) => assert.equal(event.version, i + 1));
	return events;
}

for (const backend of backends()) {
	test(`kill -9 on ${backend.name} loses nothing acknowledged`, async (t) => {
		let server = await Server.start({ database: backend.postgres, redis: backend.redis });
		t.after(() => server.close());
		const id = await server.create({ name: 'kill', search_space: space, tuner: { name: 'random', seed: 1 } });
		const acknowledged = new Map();
		for (let round = 0; round < 3; round++) {
			let stop = false;
			const loop = async () => {
				try {
					while (!stop) {
						const { trials } = await server.post(`/v1/experiments/${id}/suggest`, {});
						for (const { trial, parameters } of trials) {
							await server.post(`/v1/experiments/${id}/observe`,
								{ trial, value: parameters.x, final: true });
							acknowledged.set(trial, parameters.x);
						}
					}
				} catch (error) {
					if (!stop && !/fetch failed|terminated|closed/.test(String(error)))
						throw error;
				}
			};
			const before = acknowledged.size;
			const loops = Array.from({ length: 8 }, loop);
			// In full swing, however slow the machine; a loop that failed is told below.
			await Promise.race([Promise.all(loops), until(() => acknowledged.size >= before + 20, 60000)]);
			await server.kill();
			stop = true;
			await Promise.all(loops);
			server = await Server.start({ database: server.database, redis: backend.redis, keep: server.dir });
		}
		assert.ok(acknowledged.size >= 60);
		const trials = new Map((await all(server, `/v1/experiments/${id}/trials?limit=1000`)).map((x) => [x.trial, x]));
		for (const [trial, x] of acknowledged) {
			assert.equal(trials.get(trial).state, 'succeeded');
			assert.equal(trials.get(trial).values.default, x);
		}
		const events = await gapless(server, id);
		const observed = events.filter((e) => e.type === 'observed').map((e) => e.trial);
		assert.equal(new Set(observed).size, observed.length);
		t.diagnostic(`${acknowledged.size} results acknowledged, ${observed.length} in the log`);
	});

	test(`SIGTERM on ${backend.name} answers who waits and ends with 0`, async (t) => {
		const server = await Server.start({ database: backend.postgres, redis: backend.redis });
		t.after(() => server.close());
		const id = await server.create({ name: 'drain', search_space: space, tuner: { name: 'random' }, limits: { concurrency: 1 } });
		await server.post(`/v1/experiments/${id}/suggest`, {});
		const waiting = server.request('POST', `/v1/experiments/${id}/suggest`, { wait: '25s' });
		while (await server.metric('cairn_parked') < 1);
		const code = await server.stop();
		const answer = await waiting;
		assert.equal(code, 0);
		assert.ok(answer.status === 200 || answer.status === 503, String(answer.status));
	});

	test(`two round trips at most a suggest, one an observe, on ${backend.name}`, async (t) => {
		const server = await Server.start({ database: backend.postgres, redis: backend.redis, args: ['--role', 'api'] });
		t.after(() => server.close());
		const id = await server.create({ name: 'count', search_space: space, tuner: { name: 'tpe' } });
		await server.post(`/v1/experiments/${id}/suggest`, {});
		const count = async (run) => {
			const trips = await server.metric('cairn_database_round_trips_total');
			const commits = await server.metric('cairn_database_commits_total');
			for (let i = 0; i < 50; i++)
				await run(i);
			return { trips: (await server.metric('cairn_database_round_trips_total') - trips) / 50,
				commits: (await server.metric('cairn_database_commits_total') - commits) / 50 };
		};
		const suggest = await count(() => server.post(`/v1/experiments/${id}/suggest`, {}));
		const observe = await count((i) => server.post(`/v1/experiments/${id}/observe`, { trial: i, value: i, final: true }));
		t.diagnostic(`suggest ${suggest.trips} trips, ${suggest.commits} commits; observe ${observe.trips}, ${observe.commits}`);
		// The clock, the count of tokens and readiness are asked for now and then, whatever the number of requests.
		assert.ok(suggest.trips <= 1.2 && suggest.commits <= 1.1, JSON.stringify(suggest));
		assert.ok(observe.trips <= 1.2 && observe.commits <= 1.1, JSON.stringify(observe));
	});
}

test('two replicas on PostgreSQL and Redis share an experiment', { skip: !process.env.CAIRN_TEST_POSTGRES && 'no PostgreSQL' }, async (t) => {
	const options = { database: process.env.CAIRN_TEST_POSTGRES, redis: process.env.CAIRN_TEST_REDIS };
	const a = await Server.start(options), b = await Server.start(options);
	t.after(() => Promise.all([a.close(), b.close()]));
	const id = await a.create({ name: 'two', search_space: space, tuner: { name: 'tpe', seed: 2 },
		limits: { max_trials: 120, concurrency: 7 } });
	const runs = await Promise.all([a, b].map((server) => work(server, id, ({ x }) => x, { workers: 6, wait: '2s' })));
	const numbers = runs.flatMap((run) => run.trials.map((x) => x.trial));
	assert.equal(numbers.length, 120);
	assert.equal(new Set(numbers).size, 120);
	await gapless(b, id);
	assert.equal((await b.get(`/v1/experiments/${id}`)).counts.succeeded, 120);
	t.diagnostic(`lost races: ${await a.metric('cairn_append_misses_total') + await b.metric('cairn_append_misses_total')}`);
	// A suggestion made on one replica is recomputed on the other.
	for (const n of [0, 60, 119])
		assert.equal((await b.post(`/v1/experiments/${id}/trials/${n}/replay`)).equal, true);
});

test('Redis stops in mid-run: slower, never wrong, and it comes back', { skip: !process.env.CAIRN_TEST_POSTGRES && 'no PostgreSQL' }, async (t) => {
	const port = 20000 + Math.floor(Math.random() * 20000);
	const redis = () => spawnSync('redis-server', ['--port', String(port), '--save', '', '--daemonize', 'yes', '--bind', '127.0.0.1']);
	const cli = (...args) => spawnSync('redis-cli', ['-p', String(port), ...args], { encoding: 'utf8' });
	assert.equal(redis().status, 0);
	const server = await Server.start({ database: process.env.CAIRN_TEST_POSTGRES, redis: `redis://127.0.0.1:${port}` });
	t.after(async () => { cli('shutdown', 'nosave'); await server.close(); });
	const id = await server.create({ name: 'redis', search_space: space, tuner: { name: 'random', seed: 3 } });
	const round = async () => {
		for (let i = 0; i < 10; i++) {
			const { trials } = await server.post(`/v1/experiments/${id}/suggest`, {});
			await server.post(`/v1/experiments/${id}/observe`, { trial: trials[0].trial, value: 1, final: true });
		}
	};
	await round();
	cli('shutdown', 'nosave');
	await round();
	redis();
	while (!cli('ping').stdout.includes('PONG'));
	const before = Number(/cmdstat_set:calls=(\d+)/.exec(cli('info', 'commandstats').stdout)?.[1] ?? 0);
	// It is tried again with back-off: until it is used again, or a minute is over.
	for (let left = 600; left > 0; left--) {
		await round();
		const now = Number(/cmdstat_set:calls=(\d+)/.exec(cli('info', 'commandstats').stdout)?.[1] ?? 0);
		if (now > before)
			break;
		assert.ok(left > 1, 'Redis is back, but not used');
	}
	const events = await gapless(server, id);
	assert.equal(events.filter((e) => e.type === 'suggested').length, events.filter((e) => e.type === 'observed').length);
});
