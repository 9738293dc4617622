// The verbs of the cairn command that look after experiments and trials, as nnictl's do.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ended, killAll, start as startProgram } from './command.mjs';
import { all, Server, until } from './harness.mjs';

const base = { name: 'manage', tuner: { name: 'random', seed: 1 }, search_space: { x: { _type: 'uniform', _value: [0, 1] } },
	limits: { max_trials: 10, concurrency: 2 } };

let server, dir;

before(async () => {
	server = await Server.start();
	dir = mkdtempSync(join(tmpdir(), 'cairn-manage-'));
});
after(async () => {
	killAll();
	await server.close();
	rmSync(dir, { recursive: true, force: true });
});

const start = (args, { env = {} } = {}) => startProgram(args, { cwd: dir, env: { CAIRN_URL: server.url, ...env } });
const command = (code, ...args) => ended(start(args), code);

const write = (name, text) => {
	writeFileSync(join(dir, name), text);
	return name;
};
const experiment = (id) => server.get(`/v1/experiments/${id}`);
const trial = (id, n) => server.get(`/v1/experiments/${id}/trials/${n}`);

test('update: one thing changes, the others stay', async () => {
	const id = await server.create({ ...base, limits: { ...base.limits, max_duration: '1h' } });
	assert.equal((await command(0, 'update', id, 'trialnum', '20')).out, '20\n');
	assert.equal((await command(0, 'update', id, 'duration', '2h')).out, '2h\n');
	assert.equal((await command(0, 'update', id, 'concurrency', '5')).out, '5\n');
	await command(0, 'update', id, 'target', '0.5');
	await command(0, 'update', id, 'name', 'another');
	await command(0, 'update', id, 'max_retries', '3');
	const { limits, name } = await experiment(id);
	assert.deepEqual([name, limits.max_trials, limits.max_duration, limits.concurrency, limits.target, limits.max_retries],
		['another', 20, '2h', 5, 0.5, 3]);
	await command(0, 'update', id, 'target', 'null');
	await command(0, 'update', id, 'searchspace', write('space.yml', 'x: {_type: uniform, _value: [0, 2]}\n'));
	await command(0, 'update', id, 'tuner', write('tuner.json', '{"name": "tpe"}'));
	const edited = JSON.parse((await command(0, 'update', id, 'assessor', write('a.yml', 'name: Medianstop'), '--json')).out);
	assert.equal(edited.limits.target, null);
	assert.deepEqual(edited.search_space.x._value, [0, 2]);
	assert.equal(edited.tuner.name, 'tpe');
	assert.equal(edited.assessor.name, 'medianstop');
	await command(0, 'update', id, 'assessor', 'null');
	assert.equal((await experiment(id)).assessor, null);
	assert.match((await command(2, 'update', id, 'colour', 'red')).err, /update changes max_trials, .*; not colour/);
	await command(2, 'update', id, 'max_trials', 'many');
	await command(2, 'update', id, 'tuner', 'none.yml');
	assert.match((await command(2, 'update', id, 'tuner', write('bad.yml', 'a: yes'))).err, /bad.yml:1: yes means/);
	assert.match((await command(1, 'update', id, 'max_trials', '0')).err, /\/limits\/max_trials: /);
	await command(1, 'update', 'exp_none', 'max_trials', '1');
	// A finished experiment goes on with more trials.
	const small = await server.create({ ...base, limits: { max_trials: 1 } });
	await command(0, 'agent', small, '--dir', dir, '--command', 'cairn trial final 1');
	assert.equal((await experiment(small)).status, 'done');
	await command(0, 'update', small, 'max_trials', '2');
	await command(0, 'agent', small, '--dir', dir, '--command', 'cairn trial final 1');
	assert.equal((await experiment(small)).counts.succeeded, 2);
});

test('trial ls, show, add, kill, retry', async () => {
	const id = await server.create(base);
	assert.equal((await command(0, 'trial', 'add', id, '{"x": 0.25}')).out, '0\n');
	assert.equal((await command(0, 'trial', 'add', id, write('p.json', '{"x": 0.75}'))).out, '1\n');
	await command(0, 'suggest', id);
	await command(0, 'observe', id, '0', '5');
	await command(0, 'suggest', id);
	assert.match((await command(0, 'trial', 'ls', id)).out, /^ +0 {2}succeeded +5 +\{"x":0.25\}\n +1 {2}running +- +\{"x":0.75\}\n$/);
	assert.match((await command(0, 'trials', id, '--state', 'succeeded')).out, /^ +0 {2}succeeded .*\n$/);
	assert.match((await command(0, 'trial', 'show', id, '0')).out, /^trial +0\nstate +succeeded\norigin +custom\nvalue +5\n/);
	assert.equal(JSON.parse((await command(0, 'trial', 'show', id, '1', '--json')).out).state, 'running');
	assert.equal((await command(0, 'trial', 'kill', id, '1', 'it "diverges"')).out, 'cancelled\n');
	assert.equal((await trial(id, 1)).message, 'it "diverges"');
	assert.equal((await command(0, 'trial', 'retry', id, '1')).out, 'waiting\n');
	await command(1, 'trial', 'retry', id, '0');
	await command(1, 'trial', 'show', id, '7');
	await command(1, 'trial', 'add', id, '{"x": 3}');
	for (const args of [['show', id, 'x'], ['show', id, '-1'], ['add', id, '{x'], ['add', id, 'none.json'], ['kill', id],
		['log', id, '0', '--tail', '0'], ['log', id, '0', '--tail', '1', '--follow']])
		await command(2, 'trial', ...args);
});

test('trial log: the whole, its end, and on until the trial ends', async () => {
	const id = await server.create({ ...base, limits: { max_trials: 1 } });
	const gate = join(dir, 'gate');
	const agent = start(['agent', id, '--dir', dir, '--command',
		`echo begin; while ! [ -e ${gate} ]; do sleep 0.05; done; printf 'a\\0b\\n'; cairn trial final 1; echo end`]);
	const uploaded = () => server.request('GET', `/v1/experiments/${id}/trials/0/log`);
	await until(async () => (await uploaded()).text === 'begin\n', 60000);
	const follow = start(['trial', 'log', id, '0', '--follow']);
	await until(() => follow.out === 'begin\n', 60000);
	writeFileSync(gate, '');
	assert.equal(await agent.ended, 0, agent.err);
	assert.equal(await follow.ended, 0, follow.err);
	assert.match(follow.out, /^begin\na\0b\n/);
	assert.equal((await command(0, 'trial', 'log', id, '0')).out, 'begin\na\0b\nend\n');
	assert.equal((await command(0, 'trial', 'log', id, '0', '--tail', '4')).out, 'end\n');
	await command(1, 'trial', 'log', id, '1');
});

test('clone, export in formats, save and load, seed', async () => {
	const id = await server.create(base);
	for (let i = 0; i < 3; i++)
		await command(0, 'suggest', id), await command(0, 'observe', id, String(i), String(i));
	const clone = (await command(0, 'clone', id, '--name', 'a clone')).out.trim();
	assert.deepEqual([(await experiment(clone)).name, (await experiment(clone)).counts.total], ['a clone', 0]);
	const rows = (await command(0, 'export', id, '--format', 'csv')).out.trim().split('\n');
	assert.equal(rows.length, 4);
	assert.ok(rows[0].split(',').includes('state'), rows[0]);
	await command(0, 'export', id, 'trials.ndjson', '--format', 'ndjson');
	const trials = readFileSync(join(dir, 'trials.ndjson'), 'utf8').trim().split('\n').map((line) => JSON.parse(line));
	assert.deepEqual(trials.map((row) => row.value).sort(), [0, 1, 2]);
	await command(2, 'export', id, '--format', 'xml');
	await command(2, 'save', id);
	await command(0, 'save', id, 'saved.ndjson');
	const loaded = (await command(0, 'load', 'saved.ndjson')).out.trim();
	assert.equal((await experiment(loaded)).counts.succeeded, 3);

	// What nnictl experiment export writes, and ours.
	const nni = [{ parameter: { x: 0.5 }, value: '0.25', id: 'kOQ3J' }, { parameter: { x: 0.75 }, value: 0 },
		{ parameter: { x: 0.1 }, value: { default: 2, loss: 3 } }, { parameters: { x: 0.2 }, value: -1 }];
	const seeded = await server.create(base);
	assert.equal((await command(0, 'seed', seeded, write('nni.json', JSON.stringify(nni)))).out, '4 accepted, 0 refused\n');
	assert.deepEqual((await all(server, `/v1/experiments/${seeded}/trials`)).map((row) => row.value).sort((a, b) => a - b),
		[-1, 0, 0.25, 2]);
	const { out, err } = await command(1, 'seed', seeded, write('some.json', '[{"parameter":{"x":3},"value":1},{"parameter":{"x":0.3},"value":1}]'));
	assert.equal(out, '1 accepted, 1 refused\n');
	assert.match(err, /^cairn: row 0: .*x/);
	const many = Array.from({ length: 1200 }, (_, i) => ({ parameters: { x: i < 1100 ? i / 1200 : 5 }, value: i }));
	const big = await server.create(base);
	const bulk = await command(1, 'seed', big, write('many.json', JSON.stringify(many)));
	assert.equal(bulk.out, '1100 accepted, 100 refused\n');
	assert.match(bulk.err, /^cairn: row 1100: /);
	await command(2, 'seed', big, write('no.json', '{}'));
	assert.match((await command(2, 'seed', big, write('no.json', '[\n1'))).err, /no.json:2: /);
});

test('server: what cairn run has kept can be looked at', async () => {
	const state = join(dir, 'kept');
	write('run.yml', 'searchSpace: {x: {_type: uniform, _value: [0, 1]}}\ntrialCommand: cairn trial final 1\n' +
		'trialConcurrency: 1\nmaxTrialNumber: 2\n');
	const run = start(['run', 'run.yml', '--dir', state], { env: { CAIRN_URL: '' } });
	assert.equal(await run.ended, 0, run.err);
	const kept = start(['server', '--dir', state, '--', '--listen', '127.0.0.1:0']);
	await until(() => /listening on \S+/.test(kept.out), 60000);
	const [, url] = /listening on (\S+)/.exec(kept.out);
	const list = start(['list', '--url', url]);
	assert.equal(await list.ended, 0, list.err);
	assert.match(list.out, /^exp_\S+ +done +2 ended .* nni\n$/);
	assert.match((await command(3, 'server', '--dir', state)).err, /another cairn run or server uses this directory/);
	kept.kill('SIGTERM');
	assert.equal(await kept.ended, 0);
});

test('completion', async () => {
	const bash = (await command(0, 'completion', 'bash')).out;
	const complete = (...words) => {
		const line = words.map((word) => `'${word}'`).join(' ');
		const { stdout, stderr, status } = spawnSync('bash', ['-c', `${bash}
			COMP_WORDS=(${line}); COMP_CWORD=${words.length - 1}; _cairn; printf '%s\\n' "\${COMPREPLY[@]}"`], { encoding: 'utf8' });
		assert.equal(status, 0, stderr);
		return stdout.trim().split('\n');
	};
	if (spawnSync('bash', ['-c', ':']).status === 0) {
		assert.deepEqual(complete('cairn', 'li'), ['list']);
		assert.deepEqual(complete('cairn', 'tr').sort(), ['trial', 'trials']);
		assert.deepEqual(complete('cairn', 'trial', 're').sort(), ['report', 'retry']);
		assert.deepEqual(complete('cairn', 'trial', 'log', 'exp_1', '--t').sort(), ['--tail', '--token-file']);
		assert.deepEqual(complete('cairn', 'list', '--n'), ['--name']);
		assert.deepEqual(complete('cairn', 'list', ''), ['']); // files
		assert.deepEqual(complete('cairn', 'agent', 'exp_1', '--', '--n'), ['']);
	}
	const zsh = (await command(0, 'completion', 'zsh')).out;
	assert.match(zsh, /^#compdef cairn\n/);
	if (spawnSync('zsh', ['-c', ':']).status === 0)
		assert.equal(spawnSync('zsh', ['-n'], { input: zsh }).status, 0);
	await command(2, 'completion', 'fish');
});
