// The clients against a real server, and against servers that misbehave: libcairn (through client_probe and
// the example), the cairn command, and cairn.sh under every shell there is.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createServer, request as forward } from 'node:http';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

import { all, Server } from './harness.mjs';

const cairn = resolve(process.env.CAIRN ?? 'build/dev/cairn');
const build = dirname(cairn);
const probe = join(build, 'client_probe');
const example = join(build, 'cairn_example');
const cairnSh = resolve('clients/shell/cairn.sh');
/* A library with a sanitizer inside is for programs that have it too. */
const sanitized = /__(asan|tsan)_init/.test(readFileSync(join(build, 'libcairn.so'), 'latin1'));
const shells = ['dash', 'bash'].filter((shell) => spawnSync(shell, ['-c', ':']).status === 0);
const random = { name: 'random', seed: 1 };
const nested = {
	name: 'clients', tuner: random,
	search_space: {
		x: { _type: 'uniform', _value: [0, 1] },
		n: { _type: 'randint', _value: [3, 9] },
		op: { _type: 'choice', _value: [{ _name: 'a "b"', rate: { _type: 'quniform', _value: [0, 1, 0.1] } }] },
		act: { _type: 'choice', _value: ['re lu'] },
		flag: { _type: 'choice', _value: [true] },
	},
};
const flat = { name: 'flat', tuner: random, search_space: { x: { _type: 'uniform', _value: [0, 1] } } };

let server, dir;

before(async () => {
	server = await Server.start();
	dir = mkdtempSync(join(tmpdir(), 'cairn-clients-'));
});
after(async () => {
	await server.close();
	rmSync(dir, { recursive: true, force: true });
});

/** Runs a program to its end: {code, out, err}. */
async function run(file, args, { env = {}, input = '', url = server.url, stdout = 'pipe' } = {}) {
	const child = spawn(file, args, { stdio: ['pipe', stdout, 'pipe'], env: {
		PATH: process.env.PATH, TMPDIR: dir, HOME: dir, CAIRN_URL: url, ...env } });
	const result = { out: '', err: '' };
	child.stdout?.on('data', (data) => { result.out += data; });
	child.stderr.on('data', (data) => { result.err += data; });
	child.stdin.on('error', () => {});
	child.stdin.end(input);
	[result.code] = await once(child, 'close');
	return result;
}

/** Runs it, and expects an end with that status. */
async function expect(code, file, args, options) {
	const result = await run(file, args, options);
	assert.equal(result.code, code, `${file} ${args.join(' ')}: ${result.out}${result.err}`);
	return result;
}

const command = (code, ...args) => expect(code, cairn, args);

/** Asks until check is content, for at most a minute. */
async function eventually(what, ask, check) {
	for (const begun = performance.now(); performance.now() - begun < 60000;) {
		const answer = await ask();
		if (check(answer))
			return answer;
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
	return assert.fail(what);
}

const trialOf = (id, n) => server.get(`/v1/experiments/${id}/trials/${n}`);
const trialsOf = (id) => all(server, `/v1/experiments/${id}/trials?limit=1000`);

/**
 * A server before the server. on(request, body, pass) answers through request.reply(status, body, headers),
 * request.drop(), or pass() what the real server answers, with drop = true: thrown away.
 */
async function between(t, on) {
	const seen = [];
	const proxy = createServer(async (request, response) => {
		const chunks = [];
		for await (const chunk of request)
			chunks.push(chunk);
		const body = Buffer.concat(chunks);
		seen.push({ method: request.method, path: request.url, key: request.headers['idempotency-key'],
			body: body.toString(), at: performance.now(), headers: request.headers });
		request.reply = (status, value, headers = {}) => {
			response.writeHead(status, { 'content-type': 'application/json', ...headers });
			response.end(typeof value === 'string' ? value : JSON.stringify(value));
		};
		request.drop = () => request.socket.destroy();
		const pass = (drop) => new Promise((resolve, reject) => {
			const real = forward(server.url + request.url, { method: request.method, headers: request.headers },
				async (answer) => {
					const parts = [];
					for await (const part of answer)
						parts.push(part);
					if (drop) {
						request.drop();
					} else {
						response.writeHead(answer.statusCode, answer.headers);
						response.end(Buffer.concat(parts));
					}
					resolve(answer.statusCode);
				});
			real.on('error', reject);
			real.end(body);
		});
		await on(request, seen.length, pass);
	});
	proxy.listen(0, '127.0.0.1');
	await once(proxy, 'listening');
	t.after(() => proxy.closeAllConnections?.() ?? 0);
	t.after(() => proxy.close());
	return { url: `http://127.0.0.1:${proxy.address().port}`, seen };
}

/** For between: of every third request the first answer is lost, after the server has done it. */
function lossy() {
	const keys = new Map();
	return (request, n, pass) => {
		const key = request.headers['idempotency-key'];
		const first = !keys.has(key);
		if (first)
			keys.set(key, keys.size);
		return pass(first && keys.get(key) % 3 === 0);
	};
}

// ---- the cairn command ----

test('cairn --help, cairn VERB --help and cairn(1) agree', async () => {
	const help = (await command(0, '--help')).out;
	const manual = readFileSync('docs/man/cairn.1', 'utf8').replaceAll('\\-', '-');
	const [verbPart] = help.split('options of every verb:\n');
	const verbs = [...verbPart.matchAll(/^ {2}([a-z]+(?: [a-z]+)?) +((?:[[A-Z]+\]? )*)/gm)]
		.map(([, name, words]) => `${name} ${words}`.trim());
	assert.ok(verbs.length >= 16);
	const flags = [...help.matchAll(/^ {2}--([a-z-]+) +([A-Z]+)?/gm)].map(([, name, value]) => `${name} ${value ?? ''}`.trim());
	assert.ok(flags.length >= 15);
	const section = (name) => manual.split(`.SH ${name}\n`)[1].split('\n.SH ')[0];
	const entries = (name) => [...section(name).matchAll(/^\.TP\n\.B (.*)$/gm)].map(([, text]) => text);
	assert.deepEqual(entries('VERBS').sort(), verbs.sort());
	assert.deepEqual(entries('OPTIONS').sort(), flags.map((flag) => `--${flag}`).sort());
	for (const line of help.split('\n'))
		assert.ok(line.length <= 100, line);
	for (const verb of verbs) {
		const { out } = await command(0, ...verb.split(' ').filter((word) => /^[a-z]/.test(word)), '--help');
		assert.ok(out.startsWith(`usage: cairn ${verb} [OPTIONS]`), out);
	}
	assert.match((await command(0, '--version')).out, /^cairn \d+\.\d+\.\d+\n$/);
});

test('wrong command lines: status 2, a word on what is wrong, and nothing on standard output', async () => {
	const wrong = [[], ['frob'], ['--json'], ['--nope'], ['list', '--nope'], ['list', '--step', '1'], ['list', 'x'],
		['create'], ['create', 'a', 'b'], ['create', '/nonexistent'], ['create', '/'], ['show'], ['show', ''], ['show', 'a/b'],
		['delete', '..'], ['show', 'exp_1?x'], ['suggest', 'exp_1', '--count'], ['suggest', 'exp_1', '--count', 'x'],
		['suggest', 'exp_1', '--count='], ['--count', '1', 'suggest', 'exp_1'], ['suggest', 'exp_1', '--resume=1'],
		['observe', 'exp_1', '0'], ['observe', 'exp_1', 'x', '1'], ['observe', 'exp_1', '0', '1', '--failed', 'm'],
		['observe', 'exp_1', '0', '--failed', 'm', '--step', '1'], ['observe', 'exp_1', '0', '1', '--step', '1.5'],
		['heartbeat', 'exp_1', '-'], ['top', 'exp_1', 'ten'], ['wait', 'exp_1', '--timeout', 'x'],
		['wait', 'exp_1', '--timeout', 'nan'], ['wait', 'exp_1', '--timeout', 'inf'], ['wait', 'exp_1', '--timeout=-1'],
		['--token-file', '/nonexistent', 'list'], ['--token-file', '/dev/null', 'list'], ['list', '--url', 'http://a b'],
		['list', '--name', 'x'.repeat(1000)], ['--', '--help']];
	for (const args of wrong) {
		const { out, err } = await command(2, ...args);
		assert.equal(out, '', args.join(' '));
		assert.notEqual(err, '', args.join(' '));
	}
});

test('every verb, as text and as JSON', async () => {
	const file = join(dir, 'experiment.json');
	writeFileSync(file, JSON.stringify({ ...nested, name: 'verbs' }));
	const id = (await command(0, 'create', file)).out.trim();
	assert.match(id, /^exp_[\w-]+$/);
	const created = JSON.parse((await expect(0, cairn, ['create', '-', '--json'], { input: JSON.stringify(flat) })).out);
	assert.equal(created.name, 'flat');

	const trial = JSON.parse((await command(0, 'suggest', id, '--worker', 'w "1" é', '--lease=90s')).out);
	assert.equal(trial.trial, 0);
	assert.equal((await trialOf(id, 0)).worker, 'w "1" é');
	const { out } = await command(0, 'suggest', id, '--count', '3');
	assert.deepEqual(out.trim().split('\n').map((line) => JSON.parse(line).trial), [1, 2, 3]);
	const answer = JSON.parse((await command(0, '--json', 'suggest', id)).out);
	assert.equal(answer.trials[0].trial, 4);
	await expect(0, cairn, ['suggest', id], { env: { CAIRN_WORKER: 'me' } });
	const again = (await expect(0, cairn, ['suggest', '--resume', id], { env: { CAIRN_WORKER: 'me' } })).out;
	assert.equal(JSON.parse(again).trial, 5);

	assert.equal((await command(0, 'observe', id, '0', '0.25', '--step', '1')).out, 'continue\n');
	assert.equal((await command(0, 'observe', id, '0', '9726.11', '--attempt', '1')).out, 'continue\n');
	await command(0, 'observe', id, '1', '{"default": 1e3, "loss": "nan"}');
	await command(0, 'observe', id, '2', '-inf');
	assert.equal(JSON.parse((await command(0, 'observe', id, '3', '--failed', 'a "b"\né', '--json')).out).items[0].state, 'failed');
	await command(0, 'observe', id, '4', '.5');
	assert.equal((await trialOf(id, 0)).value, 9726.11);
	assert.deepEqual((await trialOf(id, 1)).values, { default: 1000, loss: 'nan' });
	assert.equal((await trialOf(id, 2)).value, '-inf');
	assert.equal((await trialOf(id, 3)).message, 'a "b"\né');
	assert.equal((await trialOf(id, 4)).value, 0.5);
	assert.equal((await command(0, 'heartbeat', id, '5', '--lease', '5m')).out, 'continue\n');
	assert.equal((await command(0, 'release', id, '5')).out, 'waiting\n');

	const list = (await command(0, 'list', '--name', 'verbs')).out;
	assert.match(list, /^exp_\S+ +running +5 ended +0 running +best 9726\.11 +verbs\n$/);
	assert.equal((await command(0, 'list', '--status', 'done')).out, '');
	const rows = (await command(0, 'list', '--json')).out.trim().split('\n').map((line) => JSON.parse(line).id);
	assert.ok(rows.includes(id) && rows.includes(created.id));
	assert.match((await command(0, 'show', id)).out, /^best +9726\.11 \(trial 0\)$/m);
	assert.equal(JSON.parse((await command(0, 'show', id, '--json')).out).id, id);
	const trials = (await command(0, 'trials', id)).out.trim().split('\n');
	assert.equal(trials.length, 6);
	assert.match(trials[0], /^0 +succeeded +9726\.11 +\{"x":/);
	assert.ok(trials[0].endsWith(JSON.stringify(trial.parameters)), trials[0]);
	assert.match((await command(0, 'top', id, '2')).out, /^ +1 +9726\.11 +trial 0 .*\n +2 +1000 +trial 1 /);
	assert.deepEqual((await command(0, 'top', id, '--json', '1')).out, `${JSON.stringify(await trialOf(id, 0))}\n`);

	assert.equal((await command(0, 'pause', id)).out, 'paused\n');
	assert.match((await command(5, 'suggest', id)).err, /nothing now: paused/);
	await command(5, 'wait', id, '--timeout', '0');
	assert.equal((await command(0, 'resume', id)).out, 'running\n');
	assert.equal(JSON.parse((await command(0, 'stop', id, '--json')).out).status, 'stopped');
	assert.match((await command(4, 'suggest', id)).err, /nothing more: stopped/);
	assert.match((await command(0, 'wait', id)).out, /^stopped  5 ended, 0 running, best 9726\.11\n$/);
	assert.equal(JSON.parse((await command(0, 'wait', id, '--json')).out).status, 'stopped');

	const copy = join(dir, 'export.ndjson');
	await command(0, 'export', id, copy);
	assert.equal((await command(0, 'export', id)).out, readFileSync(copy, 'utf8'));
	const imported = (await command(0, 'import', copy)).out.trim();
	assert.notEqual(imported, id);
	assert.equal((await trialsOf(imported)).length, 6);
	await command(2, 'export', id, '/nonexistent/file');
	assert.equal((await command(0, 'delete', imported)).out, '');
	assert.match((await command(1, 'show', imported)).err, /exp_/);
});

test('what others wrote does not steer the terminal', async (t) => {
	const evil = 'a\u001b[31m\u0007\nb';
	const proxy = await between(t, (request) => request.url.endsWith('exp_1') ? request.reply(404, { detail: evil })
		: request.reply(200, { items: [{ id: 'exp_1', name: evil, status: 'running', counts: {}, best: null }], next_cursor: null }));
	assert.match((await expect(0, cairn, ['list'], { url: proxy.url })).out, /^exp_1 .* a\?\[31m\?\?b\n$/);
	assert.equal((await expect(1, cairn, ['show', 'exp_1'], { url: proxy.url })).err, 'cairn: a?[31m?\nb\n');
});

test('lists longer than a page', async () => {
	const id = await server.create({ ...flat, name: 'pages' });
	await server.post(`/v1/experiments/${id}/suggest`, { count: 250 });
	const { out } = await command(0, 'trials', id, '--json');
	assert.deepEqual(out.trim().split('\n').map((line) => JSON.parse(line).trial), Array.from({ length: 250 }, (_, i) => i));
	const sh = (await expect(0, cairnSh, ['trials', id])).out;
	assert.deepEqual(sh.trim().split('\n').map((line) => JSON.parse(line).trial).sort((a, b) => a - b),
		Array.from({ length: 250 }, (_, i) => i));
});

test('refusals: every fault is told, status 1', async () => {
	const { err } = await expect(1, cairn, ['create', '-'], { input: '{"name":1,"what":2}' });
	assert.match(err, /\/name: /);
	assert.match(err, /\/what: /);
	await command(1, 'show', 'exp_none');
	await command(1, 'observe', 'exp_none', '0', '1');
	await expect(1, cairn, ['create', '-'], { input: '' });
	const id = await server.create(flat);
	await command(0, 'suggest', id);
	assert.match((await command(1, 'observe', id, '0', 'much')).err, /\/value/);
	await command(0, 'observe', id, '0', '1');
	await command(1, 'observe', id, '0', '2');
});

test('a trial that shall stop: status 4', async () => {
	const id = await server.create(flat);
	await command(0, 'suggest', id);
	await server.post(`/v1/experiments/${id}/trials/0/stop`, {});
	assert.equal((await command(4, 'observe', id, '0', '0.1', '--step', '1')).out, 'stop\n');
	assert.equal((await command(4, 'heartbeat', id, '0')).out, 'stop\n');
	await command(0, 'observe', id, '0', '0.1');
});

test('standard output that cannot be written', async (t) => {
	if (!existsSync('/dev/full')) {
		t.skip('there is no /dev/full');
		return;
	}
	const { open } = await import('node:fs/promises');
	const full = await open('/dev/full', 'w');
	await expect(2, cairn, ['list'], { stdout: full.fd });
	await full.close();
});

test('tokens: from a file, from the environment, and never in ps', async (t) => {
	const file = join(dir, 'token'), secret = `cairn_${'a'.repeat(43)}`;
	writeFileSync(file, `${secret}\nsecond line\n`, { mode: 0o600 });
	const bootstrap = join(dir, 'bootstrap');
	writeFileSync(bootstrap, secret, { mode: 0o600 });
	const guarded = await Server.start({ args: ['--bootstrap-token-file', bootstrap] });
	t.after(() => guarded.close());
	const { url } = guarded;
	assert.match((await expect(1, cairn, ['list'], { url })).err, /\S/);
	await expect(0, cairn, ['list', '--token-file', file], { url });
	await expect(0, cairn, ['--token-file=' + file, 'list'], { url, env: { CAIRN_TOKEN: 'wrong' } });
	await expect(0, cairn, ['list'], { url, env: { CAIRN_TOKEN: secret } });
	await expect(1, cairn, ['list'], { url, env: { CAIRN_TOKEN: 'wrong' } });
	await expect(2, cairn, ['list'], { url, env: { CAIRN_TOKEN: 'line\nbreak' } });
	await expect(0, example, [], { url, env: { CAIRN_TOKEN: secret } });
	const proxy = await between(t, async (request) => {
		const ps = spawnSync('ps', ['-eo', 'args'], { encoding: 'utf8' });
		assert.ok(!(ps.stdout ?? '').includes(secret));
		request.reply(200, { items: [], next_cursor: null });
	});
	for (const shell of shells) {
		const env = { CAIRN_TOKEN: secret };
		await expect(0, shell, [cairnSh, 'list'], { url, env });
		await expect(1, shell, [cairnSh, 'list'], { url });
		await expect(1, shell, [cairnSh, 'list'], { url, env: { CAIRN_TOKEN: 'wrong' } });
		await expect(2, shell, [cairnSh, 'list'], { url, env: { CAIRN_TOKEN: 'a"\nurl = "http://evil' } });
		const id = (await expect(0, shell, [cairnSh, 'create', '-'], { url, env, input: JSON.stringify(flat) })).out.trim();
		assert.match(id, /^exp_/);
		await expect(0, shell, [cairnSh, 'show', 'exp_1'], { url: proxy.url, env });
		assert.equal(proxy.seen.at(-1).headers.authorization, `Bearer ${secret}`);
	}
});

// ---- libcairn ----

test('the example in C: 40 trials, best below 1', async () => {
	const { out } = await expect(0, example, []);
	const [, id, best] = /^(exp_\S+): best (\S+) at/.exec(out);
	assert.ok(Number(best) < 1, out);
	const trials = await trialsOf(id);
	assert.equal(trials.length, 40);
	assert.ok(trials.every((x) => x.state === 'succeeded' && x.attempt === 1));
	const top = (await server.get(`/v1/experiments/${id}/best`)).items[0];
	assert.equal(top.value.toFixed(6), best);
});

test('parameters as JSON and one by one; a failure with a message that is no UTF-8', async () => {
	const id = await server.create(nested);
	const { out } = await expect(0, probe, ['show', id, 'x', 'n', 'op', 'op.rate', 'op._name', 'act', 'flag', 'none', 'x.y']);
	const [, text, ...lines] = out.trim().split('\n');
	const trial = await trialOf(id, 0), p = trial.parameters;
	assert.equal(text, JSON.stringify(p));
	const seen = lines.map((line) => /^(\S+) (\S+) (\S+) ([01]) (.*)$/.exec(line)).map(([, name, real, ...rest]) =>
		[name, Number(real), Number(rest[0]), ...rest.slice(1)]);
	assert.deepEqual(seen, [
		['x', p.x, Math.round(p.x), '0', '-'],
		['n', p.n, p.n, '0', '-'],
		['op', -1, -1, '0', 'a "b"'],
		['op.rate', p.op.rate, Math.round(p.op.rate), '0', '-'],
		['op._name', -1, -1, '0', 'a "b"'],
		['act', -1, -1, '0', 're lu'],
		['flag', -1, -1, '1', '-'],
		['none', -1, -1, '0', '-'],
		['x.y', -1, -1, '0', '-'],
	]);
	assert.equal(trial.state, 'failed');
	assert.equal(trial.message, 'it "broke"\n?');
});

test('several metrics, and a result that is refused', async () => {
	const id = await server.create({ ...flat, objectives: [{ name: 'a', goal: 'minimize' }, { name: 'b', goal: 'maximize' }] });
	assert.match((await expect(0, probe, ['observe', id, 'a', '0.1', 'b', 'nan', 'c', '-inf'])).out, /code 0/);
	assert.deepEqual((await trialOf(id, 0)).values, { a: 0.1, b: 'nan', c: '-inf' });
	assert.match((await expect(0, probe, ['observe', id, 'a', '1'])).out, /code 4/);
	// It would be refused again: it is not handed out at once, for ever.
	assert.equal((await trialOf(id, 1)).state, 'running');
});

test('calls that are refused before they are sent', () => expect(0, probe, ['refused', 'exp_1'], { url: 'http://127.0.0.1:1' }));

test('one client, eight threads', async () => {
	const id = await server.create({ ...flat, limits: { max_trials: 200 } });
	const { out } = await expect(0, probe, ['threads', id]);
	const numbers = out.trim().split('\n').map((line) => Number(line.split(' ')[1])).sort((a, b) => a - b);
	assert.deepEqual(numbers, Array.from({ length: 200 }, (_, i) => i));
	const trials = await trialsOf(id);
	assert.ok(trials.every((x) => x.state === 'succeeded' && x.attempt === 1 && x.value === x.parameters.x && x.last_step === 1));
});

test('a verdict to stop ends the reports', async () => {
	const id = await server.create({ ...flat, assessor: { name: 'medianstop', options: { start_step: 2 } } });
	for (let i = 0; i < 4; i++)
		assert.match((await expect(0, probe, ['report', id, '1'])).out, /go on after 20/);
	const { out } = await expect(0, probe, ['report', id, '0']);
	const [, steps] = /stop after (\d+)/.exec(out);
	assert.ok(Number(steps) < 20);
	assert.equal((await trialOf(id, 4)).state, 'stopped');
});

test('a trial without a result is given back', async () => {
	const id = await server.create(flat);
	await expect(0, probe, ['give-up', id]);
	const trial = await trialOf(id, 0);
	assert.equal(trial.state, 'waiting');
	assert.match((await expect(0, probe, ['report', id, '1'])).out, /^trial 0 attempt 2\n/);
});

/** A probe that holds a trial. */
function hold(id, lease) {
	const child = spawn(probe, ['hold', id, String(lease)], { stdio: ['pipe', 'pipe', 'inherit'],
		env: { ...process.env, CAIRN_URL: server.url } });
	child.lines = [];
	let rest = '';
	child.stdout.on('data', (data) => {
		const parts = (rest + data).split('\n');
		rest = parts.pop();
		child.lines.push(...parts);
	});
	child.ended = once(child, 'close');
	child.line = (n) => eventually(`line ${n} of client_probe`, () => child.lines[n], (line) => line !== undefined);
	return child;
}

test('the lease of a silent trial is kept', async (t) => {
	const id = await server.create(flat);
	const begun = performance.now();
	const child = hold(id, 1000);
	t.after(() => child.kill('SIGKILL'));
	await child.line(0);
	const leases = new Set();
	await eventually('four leases', () => trialOf(id, 0), (trial) => {
		assert.equal(trial.state, 'running');
		assert.equal(trial.attempt, 1);
		leases.add(trial.lease_expires_at);
		return leases.size >= 4;
	});
	assert.ok(performance.now() - begun > 1500);
	child.stdin.end();
	assert.deepEqual((await child.ended)[0], 0);
	const trial = await trialOf(id, 0);
	assert.equal(trial.state, 'succeeded');
	assert.equal(trial.attempt, 1);
});

test('a process that is asleep loses its trial; the result it brings is welcome', async (t) => {
	const id = await server.create(flat);
	const child = hold(id, 1000);
	t.after(() => child.kill('SIGKILL'));
	await child.line(0);
	child.kill('SIGSTOP');
	await eventually('the lease runs out', () => trialOf(id, 0), (trial) => trial.state === 'waiting');
	child.kill('SIGCONT');
	child.stdin.end('\n');
	assert.equal((await child.ended)[0], 0);
	assert.deepEqual(child.lines.slice(1), ['running']);
	assert.equal((await trialOf(id, 0)).value, 0.5);
});

test('the word to stop comes with a heartbeat', async (t) => {
	const id = await server.create(flat);
	const child = hold(id, 1000);
	t.after(() => child.kill('SIGKILL'));
	await child.line(0);
	await server.post(`/v1/experiments/${id}/trials/0/stop`, {});
	await eventually('the probe hears of it', async () => {
		const n = child.lines.length;
		child.stdin.write('\n');
		return child.line(n);
	}, (line) => line === 'stopped');
	child.stdin.end();
	assert.equal((await child.ended)[0], 0);
	assert.equal((await trialOf(id, 0)).state, 'stopped');
});

test('a trial whose experiment is deleted shall stop', async (t) => {
	const id = await server.create(flat);
	const child = hold(id, 1000);
	t.after(() => child.kill('SIGKILL'));
	await child.line(0);
	await server.ok('DELETE', `/v1/experiments/${id}`);
	await eventually('the probe hears of it', async () => {
		const n = child.lines.length;
		child.stdin.write('\n');
		return child.line(n);
	}, (line) => line === 'stopped');
	child.stdin.end();
	assert.equal((await child.ended)[0], 0);
});

test('fork(): the child is told to open a client of its own, the parent goes on', async () => {
	const id = await server.create(flat);
	await expect(0, probe, ['fork', id]);
	assert.equal((await trialOf(id, 0)).value, 0.25);
	assert.equal((await trialOf(id, 0)).attempt, 1);
});

// ---- answers that are lost, servers that are busy, down, or none ----

test('answers that are lost: no trial is lost or doubled', async (t) => {
	const proxy = await between(t, lossy());
	const { out } = await expect(0, example, [], { url: proxy.url });
	const [id] = out.split(':');
	const trials = await trialsOf(id);
	assert.equal(trials.length, 40);
	assert.ok(trials.every((x) => x.state === 'succeeded' && x.attempt === 1), JSON.stringify(trials));
	const suggests = proxy.seen.filter((x) => x.path.endsWith('/suggest'));
	assert.ok(suggests.length > 41 && new Set(suggests.map((x) => x.key)).size === 41);
	const creations = proxy.seen.filter((x) => x.path === '/v1/experiments');
	assert.ok(creations.length === 2 && creations[0].key === creations[1].key);
	const branins = (await all(server, '/v1/experiments?name=branin')).filter((x) => x.created_at >= trials[0].created_at
		|| x.id === id);
	assert.deepEqual(branins.map((x) => x.id), [id]);
});

test('the first suggest of the command is lost after it was done', async (t) => {
	const id = await server.create(flat);
	const proxy = await between(t, (request, n, pass) => pass(n === 1));
	assert.equal(JSON.parse((await expect(0, cairn, ['suggest', id], { url: proxy.url })).out).trial, 0);
	assert.equal(proxy.seen.length, 2);
	for (const shell of shells) {
		const next = await between(t, (request, n, pass) => pass(n === 1));
		const { out } = await expect(0, shell, [cairnSh, 'suggest', id], { url: next.url });
		assert.equal(JSON.parse(out).trials[0].trial, 1 + shells.indexOf(shell));
		assert.equal(next.seen.length, 2);
		assert.equal(next.seen[0].key, next.seen[1].key);
	}
	assert.equal((await trialsOf(id)).length, 1 + shells.length);
});

/** Every client that can be asked to suggest for exp_1. */
const suggesters = () => [['cairn', cairn, ['suggest', 'exp_1']],
	...shells.map((shell) => [shell, shell, [cairnSh, 'suggest', 'exp_1']])];
const suggestion = { trials: [{ trial: 7, parameters: { x: 0.5 }, lease_expires_at: null, attempt: 1 }], version: 2 };

for (const [name, file, args] of suggesters()) {
	test(`${name}: 503 with Retry-After, then an answer`, async (t) => {
		const proxy = await between(t, (request, n) => n < 3 ? request.reply(503, {}, { 'Retry-After': '1' })
			: request.reply(200, suggestion));
		const { out } = await expect(0, file, args, { url: proxy.url });
		assert.match(out, /"trial":7/);
		assert.equal(proxy.seen.length, 3);
		assert.equal(new Set(proxy.seen.map((x) => x.key)).size, 1);
		assert.ok(proxy.seen[1].at - proxy.seen[0].at >= 950 && proxy.seen[2].at - proxy.seen[1].at >= 950);
	});

	test(`${name}: a Retry-After of a day is for its caller`, async (t) => {
		const proxy = await between(t, (request) => request.reply(429, { detail: 'the quota is used up' }, { 'Retry-After': '86400' }));
		assert.match((await expect(1, file, args, { url: proxy.url })).err, /the quota is used up/);
		assert.equal(proxy.seen.length, 1);
	});

	test(`${name}: 503 for ever is a refusal after CAIRN_TRIES`, async (t) => {
		const proxy = await between(t, (request) => request.reply(503, { detail: 'too busy' }, { 'Retry-After': 'Fri, 31 Dec 1999 23:59:59 GMT' }));
		assert.match((await expect(1, file, args, { url: proxy.url, env: { CAIRN_TRIES: '2' } })).err, /too busy/);
		assert.equal(proxy.seen.length, 2);
	});

	test(`${name}: a key whose first request is still under way`, async (t) => {
		const proxy = await between(t, (request, n) => n === 1 ? request.drop()
			: n === 2 ? request.reply(409, { detail: 'in flight' }) : request.reply(200, suggestion));
		await expect(0, file, args, { url: proxy.url });
		assert.equal(proxy.seen.length, 3);
		assert.equal(new Set(proxy.seen.map((x) => x.key)).size, 1);
		const refused = await between(t, (request) => request.reply(409, { detail: 'a conflict' }));
		await expect(1, file, args, { url: refused.url });
		assert.equal(refused.seen.length, 1);
	});

	test(`${name}: a server that is down: status 3`, async () => {
		const { err } = await expect(3, file, args, { url: 'http://127.0.0.1:1', env: { CAIRN_TRIES: '2' } });
		assert.match(err, /127\.0\.0\.1:1/);
	});
}

test('what answers is no Cairn server: status 3', async (t) => {
	const proxy = await between(t, (request) => request.reply(200, '<html>hello</html>', { 'content-type': 'text/html' }));
	await expect(3, cairn, ['list'], { url: proxy.url });
	await expect(3, cairn, ['suggest', 'exp_1'], { url: proxy.url });
	assert.match((await expect(0, probe, ['patience', 'exp_1', '0'], { url: proxy.url })).out, /code 5 /);
	const empty = await between(t, (request) => request.reply(502, ''));
	assert.match((await expect(1, cairn, ['list'], { url: empty.url, env: { CAIRN_TRIES: '1' } })).err, /502/);
});

test('an answer with a body, then one without: nothing is left of the first', async (t) => {
	const proxy = await between(t, (request, n) => n === 1 ? request.reply(503, { detail: 'x' }, { 'Retry-After': '0' })
		: request.reply(200, ''));
	assert.equal((await expect(0, cairn, ['export', 'exp_1'], { url: proxy.url })).out, '');
});

test('libcairn rests between answers that nothing is there, and for no longer than its patience', async (t) => {
	const later = { trials: [], retry_after_ms: 400, reason: 'paused', version: 1 };
	const proxy = await between(t, (request, n) => request.reply(200, n < 3 ? later : { trials: [], done: true, reason: 'max_trials', version: 1 }));
	assert.match((await expect(0, probe, ['patience', 'exp_1', '0'], { url: proxy.url })).out, /code 2 max_trials/);
	assert.ok(proxy.seen[2].at - proxy.seen[0].at >= 780);
	const never = await between(t, (request) => request.reply(200, later));
	assert.match((await expect(0, probe, ['patience', 'exp_1', '900'], { url: never.url })).out, /code 3 paused/);
	assert.ok(never.seen.length >= 2 && never.seen.length <= 5, String(never.seen.length));
	assert.match((await expect(0, probe, ['patience', 'exp_1', '-1'], { url: never.url })).out, /code 3 paused/);
});

// ---- cairn.sh ----

for (const shell of shells) {
	/* $0 must not end in cairn.sh, else the file takes itself for a command. */
	const sourced = (text, args = [], options = {}) => expect(0, shell, ['-c', `set -eu\n. '${cairnSh}'\n${text}`, 'test', ...args], options);

	test(`cairn.sh in ${shell}: as a command`, async () => {
		const sh = (code, ...args) => expect(code, shell, [cairnSh, ...args]);
		const file = join(dir, `${shell}.json`);
		writeFileSync(file, JSON.stringify(nested));
		const id = (await sh(0, 'create', file)).out.trim();
		assert.match(id, /^exp_/);
		assert.equal(JSON.parse((await sh(0, 'suggest', id)).out).trials[0].trial, 0);
		assert.equal((await sh(0, 'report', id, '0', '.5', '1')).out, 'continue\n');
		assert.equal((await sh(0, 'heartbeat', id, '0')).out, 'continue\n');
		await sh(0, 'observe', id, '0', '0.93');
		await sh(0, 'suggest', id);
		await sh(0, 'fail', id, '1', 'it "broke"');
		await sh(0, 'suggest', id);
		await sh(0, 'release', id, '2');
		assert.equal((await trialOf(id, 2)).state, 'waiting');
		assert.equal((await trialOf(id, 1)).message, 'it "broke"');
		assert.equal(JSON.parse((await sh(0, 'best', id)).out).items[0].value, 0.93);
		assert.equal(JSON.parse((await sh(0, 'best', id, '5')).out).items.length, 1);
		assert.equal((await sh(0, 'trials', id)).out.trim().split('\n').length, 3);
		assert.ok((await sh(0, 'list')).out.includes(id));
		assert.equal(JSON.parse((await sh(0, 'show', id)).out).id, id);
		assert.equal(JSON.parse((await sh(0, 'pause', id)).out).status, 'paused');
		await sh(5, 'wait', id, '0');
		assert.equal(JSON.parse((await sh(0, 'resume', id)).out).status, 'running');
		assert.equal(JSON.parse((await sh(0, 'stop', id)).out).status, 'stopped');
		await sh(0, 'wait', id);
		await sh(4, 'suggest', id);
		assert.equal((await sh(0, 'export', id)).out, (await command(0, 'export', id)).out);
		const get = await expect(0, shell, [cairnSh, 'get', 'a.1.b'], { input: '{"a":[0,{"b":"x \\"y\\" \\\\z"}]}' });
		assert.equal(get.out, 'x "y" \\z\n');
		await expect(1, shell, [cairnSh, 'get', 'a.2'], { input: '{"a":[0]}' });
		await sh(0, 'delete', id);
		await sh(1, 'show', id);
		for (const args of [[], ['frob'], ['show'], ['show', ''], ['delete', 'a/b'], ['observe', id, 'x', '1'], ['wait', id, 'x'],
			['create', '/nonexistent'], ['observe', id, '0', 'much'], ['report', id, '0', '1e'], ['list', 'x']])
			await sh(2, ...args);
	});

	test(`cairn.sh in ${shell}: the whole loop, sourced`, async () => {
		const worker = 'a "b" \\ c\té€😀 $x `y` \'z\'';
		const { out } = await sourced(`
			e=$(cairn_create -)
			echo "$e"
			while cairn_suggest "$e"; do
				echo "$CAIRN_TRIAL $CAIRN_ATTEMPT|$(cairn_param x)|$(cairn_param n)|$(cairn_param op)|$(cairn_param op.rate)|$(cairn_param act)|$(cairn_param flag)"
				cairn_param none && exit 1
				case $CAIRN_TRIAL in
				0) cairn_report .25 1; cairn_report 0.5 2; cairn_heartbeat; cairn_final 9726.11 ;;
				1) cairn_final nan ;;
				2) cairn_final -inf ;;
				3) cairn_fail "$1" ;;
				4) cairn_final Infinity ;;
				5) [ "$CAIRN_ATTEMPT" = 1 ] && cairn_release || cairn_final 1e-3 ;;
				esac
			done
			cairn_suggest "$e" || echo "$? $CAIRN_REASON"`, ['line 1 "quoted"\nline 2 \\ é\x07'],
		{ input: JSON.stringify({ ...nested, limits: { max_trials: 6 } }), env: { CAIRN_WORKER: worker } });
		const [id, ...lines] = out.trim().split('\n');
		const trials = await trialsOf(id);
		assert.equal(lines.pop(), '4 max_trials');
		assert.equal(lines.length, 7);
		lines.slice(0, 6).forEach((line, i) => {
			const p = trials[i].parameters;
			assert.equal(line, `${i} 1|${p.x}|${p.n}|a "b"|${p.op.rate}|re lu|true`);
		});
		assert.ok(lines[6].startsWith('5 2|'));
		assert.deepEqual(trials.map((x) => x.value), [9726.11, 'nan', '-inf', null, 'inf', 0.001]);
		assert.deepEqual(trials.map((x) => x.worker), Array(6).fill(worker));
		assert.equal(trials[3].message, 'line 1 "quoted"\nline 2 \\ é\x07');
		assert.equal(trials[0].last_step, 2);
	});

	test(`cairn.sh in ${shell}: a verdict to stop is status 4`, async () => {
		const id = await server.create(flat);
		const { out } = await sourced(`
			cairn_suggest "$1"
			cairn_report 0.5 1 && echo on
			cairn_request POST "/v1/experiments/$1/trials/$CAIRN_TRIAL/stop" '{}' >/dev/null
			cairn_report 0.6 2 || echo "$? $CAIRN_COMMAND"
			cairn_heartbeat || echo "$? $CAIRN_COMMAND"`, [id]);
		assert.equal(out, 'on\n4 stop\n4 stop\n');
	});

	test(`cairn.sh in ${shell}: messages of any length and bytes`, async () => {
		const id = await server.create(flat);
		await sourced(`
			cairn_suggest "$1"; cairn_fail "$(printf 'bad \\377 \\303( é')"
			cairn_suggest "$1"; cairn_fail "$2"
			cairn_suggest "$1"; cairn_fail`, [id, 'é€'.repeat(2000)]);
		const [a, b, c] = (await trialsOf(id)).map((x) => x.message);
		assert.equal(a, 'bad ? ?( ??');
		assert.equal(c, 'failed');
		assert.ok(b.length > 1500 && 'é€'.repeat(2000).startsWith(b), b);
	});

	test(`cairn.sh in ${shell}: refusals say what is wrong`, async () => {
		const { err } = await expect(1, shell, [cairnSh, 'create', '-'], { input: '{"name":1,"what":2}' });
		assert.match(err, /422/);
		assert.match(err, / {2}\/name: .*\n/);
		assert.match(err, / {2}\/what: .*\n/);
	});

	test(`cairn.sh in ${shell}: lossy network`, async (t) => {
		const proxy = await between(t, lossy());
		const id = await server.create({ ...flat, limits: { max_trials: 4 } });
		await sourced('while cairn_suggest "$1"; do cairn_final "$(cairn_param x)"; done; [ "$CAIRN_REASON" = max_trials ]', [id], { url: proxy.url });
		const trials = await trialsOf(id);
		assert.equal(trials.length, 4);
		assert.ok(trials.every((x) => x.state === 'succeeded' && x.attempt === 1 && x.value === x.parameters.x));
	});

	test(`cairn.sh in ${shell}: is no command when it is sourced`, async () => {
		const { out } = await sourced('echo "sourced $1"', ['list']);
		assert.equal(out, 'sourced list\n');
	});
}

// ---- installed ----

test('installed: pkg-config, CMake, C and C++', { skip: sanitized }, async (t) => {
	const prefix = join(dir, 'prefix');
	await expect(0, 'cmake', ['--install', build, '--prefix', prefix, '--component', 'client']);
	for (const file of ['bin/cairn', 'bin/cairn.sh', 'include/cairn.h', 'share/man/man1/cairn.1'])
		assert.ok(existsSync(join(prefix, file)), file);
	const found = spawnSync('find', [prefix, '-name', 'cairn.pc'], { encoding: 'utf8' }).stdout.trim();
	const lib = dirname(dirname(found));
	const env = { PKG_CONFIG_PATH: dirname(found), LD_LIBRARY_PATH: lib };
	const strict = ['-Wall', '-Wextra', '-pedantic', '-Werror'];
	const header = join(dir, 'header.c');

	/* The command finds its library by itself. */
	assert.match((await expect(0, join(prefix, 'bin/cairn'), ['--version'])).out, /^cairn /);
	assert.match((await expect(0, join(prefix, 'bin/cairn.sh'), ['get', 'a'], { input: '{"a":1}' })).out, /^1\n$/);

	writeFileSync(header, '#include <cairn.h>\nint cairn_is_here;\n');
	for (const std of ['-std=c99', '-std=c17'])
		await expect(0, 'cc', [std, ...strict, '-I', join(prefix, 'include'), '-fsyntax-only', header]);
	if (spawnSync('c++', ['--version']).status === 0)
		await expect(0, 'c++', ['-x', 'c++', '-std=c++11', ...strict, '-I', join(prefix, 'include'), '-fsyntax-only', header]);
	else
		t.diagnostic('there is no C++ compiler');

	if (spawnSync('pkg-config', ['--version']).status === 0) {
		const flags = (await expect(0, 'pkg-config', ['--cflags', '--libs', 'cairn'], { env })).out.trim().split(/\s+/);
		await expect(0, 'cc', ['-o', join(dir, 'by-pkg-config'), resolve('clients/c/example/branin.c'), ...flags, '-lm']);
		assert.match((await expect(0, join(dir, 'by-pkg-config'), [], { env })).out, /best 0\./);
		assert.equal((await expect(0, 'pkg-config', ['--modversion', 'cairn'], { env })).out.trim(),
			(await command(0, '--version')).out.trim().split(' ')[1]);
	} else {
		t.diagnostic('there is no pkg-config');
	}

	const project = join(dir, 'project');
	mkdirSync(project);
	writeFileSync(join(project, 'CMakeLists.txt'), `cmake_minimum_required(VERSION 3.16)
project(user C)
find_package(cairn 0.1 REQUIRED)
add_executable(user ${resolve('clients/c/example/branin.c')})
target_link_libraries(user cairn::cairn m)
`);
	await expect(0, 'cmake', ['-S', project, '-B', join(project, 'build'), `-DCMAKE_PREFIX_PATH=${prefix}`]);
	await expect(0, 'cmake', ['--build', join(project, 'build')]);
	assert.match((await expect(0, join(project, 'build/user'), [])).out, /best 0\./);
});

test('the library exports what cairn.h declares, and nothing else', { skip: sanitized }, (t) => {
	const nm = spawnSync('nm', ['-D', '--defined-only', join(build, 'libcairn.so')], { encoding: 'utf8' });
	if (nm.status !== 0) {
		t.skip('there is no nm');
		return;
	}
	const exported = nm.stdout.trim().split('\n').map((line) => line.split(' ').at(-1)).filter((name) => !/^__|^_(init|fini)/.test(name));
	const declared = [...readFileSync('clients/c/cairn.h', 'utf8').matchAll(/^CAIRN_API [^(]*?\*?(cairn_\w+)\(/gm)].map(([, name]) => name);
	assert.ok(declared.length >= 18);
	assert.deepEqual(exported.sort(), declared.sort());
});
