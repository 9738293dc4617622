// cairn run: an experiment from a file, with a server of its own or a given one.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { ended, killAll, start as startProgram } from './command.mjs';
import { all, Server, until } from './harness.mjs';

const LONG = 120000; // a machine that is shared may be slow

let dir;
let states = 0;

before(() => {
	dir = mkdtempSync(join(tmpdir(), 'cairn-run-'));
});
after(() => {
	killAll();
	rmSync(dir, { recursive: true, force: true });
});

const newState = () => join(dir, `state${states++}`);

function write(name, text) {
	const file = join(dir, name);
	writeFileSync(file, text);
	return file;
}

const start = (args, { env = {}, state = newState() } = {}) =>
	startProgram(args, { cwd: dir, env: { CAIRN_DIR: state, ...env } });
const expect = (code, args, options) => ended(start(args, options), code);

/** The servers whose database is in that directory. */
function servers(state) {
	return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid)).filter((pid) => {
		try {
			return readlinkSync(`/proc/${pid}/exe`).endsWith('cairnd') &&
				readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`${state}/cairn.db`);
		} catch {
			return false;
		}
	}).map(Number);
}

const quick = (extra = '') => `experimentName: quick
trialConcurrency: 2
maxTrialNumber: 6
searchSpace:
  x: {_type: uniform, _value: [0, 1]}
trialCommand: cairn trial final "$CAIRN_PARAM_x"
tuner: {name: Random}
trainingService: {platform: local}
${extra}`;

test('the book\'s black box, from its NNI configuration, with nothing but the file', async () => {
	const state = newState();
	const text = readFileSync('docs/cases/black-box/config.yml', 'utf8')
		.replace('maxTrialNumber: 1000', 'maxTrialNumber: 12')
		.replace('trialCodeDirectory: .', `trialCodeDirectory: ${resolve('docs/cases/black-box')}`);
	const { out, err } = await expect(0, ['run', write('box.yml', text)], { state });
	const [, best, parameters] = /^done, 12 trials\nbest (\S+) \(trial \d+\): (\{.*\})\n$/.exec(out);
	const { x, y, z } = JSON.parse(parameters);
	const r = y % 2 === 0 ? (x > 50 ? (x ** Math.sin(z) - x) * x / 2 : (x ** Math.cos(z) + x) * x)
		: y ** (2 - Math.sin(x) * Math.cos(z));
	assert.ok(Math.abs(r / 100 - Number(best)) <= 0.0051, out);
	assert.match(err, /^cairn: experiment exp_\S+ on http:\/\/127\.0\.0\.1:\d+\n/);
	assert.ok(existsSync(join(state, 'cairn.db')));
	assert.deepEqual(servers(state), []);
});

test('a given server; JSON; a search space in a file of its own', async (t) => {
	const server = await Server.start();
	t.after(() => server.close());
	write('space.json', JSON.stringify({ x: { _type: 'choice', _value: [1, 2, 3] },
		drop: { _type: 'choice', _value: [{ _name: 'no' }, { _name: 'yes', rate: { _type: 'choice', _value: [0.3, 0.7] } }] } }));
	const file = write('grid.yml', `searchSpaceFile: space.json
trialCommand: cairn trial final "$CAIRN_PARAM_x$CAIRN_PARAM_drop_rate"
trialConcurrency: 3
tuner: {name: GridSearch}
trainingService: {platform: local}
`);
	const { out } = await expect(0, ['run', file, '--json', '--url', server.url]);
	const { experiment, best } = JSON.parse(out);
	assert.deepEqual([experiment.status, experiment.counts.succeeded, experiment.limits.concurrency], ['done', 9, 3]);
	assert.deepEqual(best.parameters, { x: 3, drop: { _name: 'yes', rate: 0.7 } }); // "30.7"
	assert.equal((await all(server, `/v1/experiments/${experiment.id}/trials`)).length, 9);
	await expect(0, ['run', write('quick.yml', quick())], { env: { CAIRN_URL: server.url } });
	assert.equal((await server.get('/v1/experiments?name=quick')).items.length, 1);
	// Our own format, as JSON.
	const own = write('own.json', JSON.stringify({ name: 'own', search_space: { x: { _type: 'uniform', _value: [0, 1] } },
		objectives: [{ name: 'default', goal: 'minimize' }], limits: { max_trials: 3, concurrency: 3 },
		trial_command: 'cairn trial final "$CAIRN_PARAM_x"' }));
	await expect(0, ['run', own, '--url', server.url]);
	assert.equal((await server.get('/v1/experiments?name=own')).items[0].counts.succeeded, 3);
});

test('what is wrong is told with its line, by us and by the server', async () => {
	const state = newState();
	const wrong = async (text, ...lines) => {
		const { out, err } = await expect(2, ['run', 'bad.yml'], { state });
		assert.equal(out, '');
		assert.deepEqual(err.trim().split('\n').map((line) => /^cairn: (\S+?:\d+: [^: ]+)/.exec(line)?.[1]).sort(), lines.sort(), err);
	};
	write('bad.yml', quick('maxTrials: 3\nmaxTrialDuration: [1]\nnniManagerIp: x\n'));
	await wrong(null, 'bad.yml:9: maxTrials', 'bad.yml:10: maxTrialDuration');
	write('bad.yml', quick().replace('[0, 1]', '[1, 0]').replace('Random', 'Rnd') + 'maxTrialDuration: 5x\n');
	await wrong(null, 'bad.yml:5: searchSpace/x/_value', 'bad.yml:7: tuner/name', 'bad.yml:9: maxTrialDuration');
	write('bad.json', '{\n "x": {"_type": "uniform",\n  "_value": [1]}}\n');
	write('bad.yml', quick().replace(/searchSpace:\n.*\n/, 'searchSpaceFile: bad.json\n'));
	await wrong(null, 'bad.json:3: x/_value');
	write('bad.yml', 'a: 1\na: 2\n');
	await wrong(null, 'bad.yml:2: a');
	await expect(2, ['run', join(dir, 'none.yml')], { state });
	await expect(2, ['run'], { state });
	await expect(3, ['run', write('quick.yml', quick()), '--url', 'http://127.0.0.1:1'], { env: { CAIRN_TRIES: '1' } });
	assert.match((await expect(3, ['run', write('quick.yml', quick())], { env: { CAIRND: '/nonexistent' } })).err,
		/\/nonexistent: No such file/);
});

test('interrupted and taken up again; one server a directory', async () => {
	const state = newState();
	const slow = write('slow.yml', quick().replace('trialCommand: ', 'trialCommand: sleep "$SLOW";'));
	const env = { SLOW: '1000' };
	const child = start(['run', slow], { state, env });
	await until(() => /experiment exp_/.test(child.err), LONG);
	assert.match((await expect(3, ['run', slow], { state, env })).err, /another cairn run or server uses this directory/);
	const [, id] = /experiment (exp_\S+)/.exec(child.err);
	await until(() => existsSync(join(state, id)) && readdirSync(join(state, id, 'trials')).length === 2, LONG);
	child.kill('SIGINT');
	assert.equal(await child.ended, 6, child.err);
	assert.match(child.err, new RegExp(`go on with: cairn run \\S+slow.yml --experiment ${id}\n`));
	assert.deepEqual(servers(state), []);
	const again = await expect(0, ['run', slow, '--experiment', id, '--json'], { state, env: { SLOW: '0' } });
	const { experiment } = JSON.parse(again.out);
	assert.equal(experiment.id, id);
	assert.equal(experiment.counts.succeeded, 6);
	await expect(1, ['run', slow, '--experiment', 'exp_none'], { state });
	await expect(2, ['run', slow, '--experiment', '../x'], { state });
});

test('its server is killed in mid-run: it starts another', async () => {
	const state = newState();
	const file = write('killed.yml', quick().replace('trialCommand: ', 'trialCommand: sleep 0.5;').replace('maxTrialNumber: 6', 'maxTrialNumber: 8'));
	const child = start(['run', file, '--json'], { state });
	await until(() => /trial \d+: /.test(child.err), LONG);
	const [server] = servers(state);
	process.kill(server, 'SIGKILL');
	assert.equal(await child.ended, 0, child.err);
	assert.match(child.err, /the server has ended; it is started again/);
	assert.deepEqual(JSON.parse(child.out).experiment.counts.succeeded, 8);
	assert.deepEqual(servers(state), []);
});

test('no trial succeeds: status 1, and the best is none', async () => {
	const file = write('fails.yml', quick().replace(/trialCommand: .*/, 'trialCommand: exit 3'));
	const { out } = await expect(1, ['run', file]);
	assert.equal(out, 'done, 6 trials\nno trial has succeeded\n');
});
