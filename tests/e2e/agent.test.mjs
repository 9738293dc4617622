// cairn agent, and cairn trial inside its trials, against a real server.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { ended, killAll, start as startProgram } from './command.mjs';
import { all, Server, until } from './harness.mjs';

const random = { name: 'random', seed: 1 };
const space = { x: { _type: 'uniform', _value: [0, 1] } };
const LONG = 120000; // a machine that is shared may be slow

let server, dir;

before(async () => {
	server = await Server.start();
	dir = mkdtempSync(join(tmpdir(), 'cairn-agent-'));
});
after(async () => {
	killAll();
	await server.close();
	rmSync(dir, { recursive: true, force: true });
});

function script(name, text) {
	const file = join(dir, name);
	writeFileSync(file, `#!/bin/sh\n${text}\n`);
	chmodSync(file, 0o755);
	return file;
}

const start = (args, { env = {}, url = server.url, cwd = dir, program } = {}) =>
	startProgram(args, { cwd, program, env: { HOME: dir, CAIRN_DIR: join(dir, 'state'), CAIRN_URL: url, ...env } });
const expect = (code, args, options) => ended(start(args, options), code);
const trialsOf = (id) => all(server, `/v1/experiments/${id}/trials?limit=1000`);
const logOf = async (id, n) => (await server.request('GET', `/v1/experiments/${id}/trials/${n}/log`)).text;
const directories = (id) => readdirSync(join(dir, 'state', id, 'trials'));
const trialDir = (id, name) => join(dir, 'state', id, 'trials', name);

/** The processes whose command line holds the word. */
function alive(word) {
	return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid)).filter((pid) => {
		try {
			return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(word);
		} catch {
			return false;
		}
	});
}

test('twenty trials of a shell script, four at a time', async () => {
	const train = script('train.sh', `
		x=$(cairn trial get x) || exit 1
		echo "x is $x, also $CAIRN_PARAM_x"
		cairn trial report 0.5 && cairn trial report '{"default": 0.6, "loss": 2}'
		cairn trial final "$x"`);
	const id = await server.create({ name: 'twenty', tuner: random, search_space: space,
		limits: { max_trials: 20, concurrency: 4 } });
	const { out } = await expect(0, ['agent', id, '--slots', '4', '--', train]);
	assert.equal(out, '20 succeeded, 0 stopped, 0 failed, 0 given back\n');
	const trials = await trialsOf(id);
	assert.equal(trials.length, 20);
	for (const trial of trials) {
		assert.equal(trial.state, 'succeeded');
		assert.equal(trial.attempt, 1);
		assert.equal(trial.value, trial.parameters.x);
		assert.equal(trial.last_step, 1);
		assert.equal(await logOf(id, trial.trial), `x is ${trial.parameters.x}, also ${trial.parameters.x}\n`);
	}
	assert.ok(new Set(trials.map((trial) => trial.worker)).size > 1);
	const metrics = await all(server, `/v1/experiments/${id}/trials/3/metrics`);
	assert.deepEqual(metrics.filter((x) => x.step !== null).map((x) => [x.step, x.values]),
		[[0, { default: 0.5 }], [1, { default: 0.6, loss: 2 }]]);
});

test('a trial has a directory of its own, a group, limits, and an environment', async () => {
	const id = await server.create({ name: 'own', tuner: random, limits: { max_trials: 1 }, search_space: {
		'a b': { _type: 'choice', _value: ['$(touch pwned); `touch pwned` \'"'] },
		op: { _type: 'choice', _value: [{ _name: 'conv', rate: { _type: 'choice', _value: [0.5] } }] },
		LD_PRELOAD: { _type: 'choice', _value: ['/nonexistent.so'] },
	} });
	const show = script('show.sh', `
		umask; ulimit -n; ulimit -c; ps -o pgid= -p $$ | tr -d ' ' | grep -qx $$ && echo leader
		touch file
		printf '%s|' "$PWD" "$CAIRN_TRIAL_DIR" "$CAIRN_PARAM_a_b" "$CAIRN_PARAM_op" "$CAIRN_PARAM_op_rate" "$LD_PRELOAD" \\
			"$CAIRN_EXPERIMENT" "$CAIRN_TRIAL" "$CAIRN_ATTEMPT" "$CUDA_VISIBLE_DEVICES" "$NNI_PLATFORM" "$NNI_SYS_DIR"
		echo
		cairn trial get 'a b'; cairn trial get op; cairn trial get op.rate; cairn trial get none 7
		cairn trial get none || echo "status $?"
		cairn trial get
		cairn trial final 1`);
	await expect(0, ['agent', id, '--own-dir', '--open-files', '64', '--gpus', '3,5', '--gpus-per-trial', '2', '--', show],
		{ env: { CAIRN_PARAM_old: '1', CAIRN_CHECKPOINT: 'old' } });
	const own = trialDir(id, '0-1'), evil = '$(touch pwned); `touch pwned` \'"';
	const parameters = (await trialsOf(id))[0].parameters;
	assert.deepEqual((await logOf(id, 0)).split('\n'), ['0077', '64', '0', 'leader',
		[own, own, evil, 'conv', '0.5', '', id, '0', '1', '3,5', 'local', own, ''].join('|'),
		evil, 'conv', '0.5', '7', 'cairn: there is no parameter none, and no default', 'status 1',
		JSON.stringify(parameters), '']);
	assert.equal(statSync(own).mode & 0o777, 0o700);
	assert.equal(statSync(join(own, 'file')).mode & 0o777, 0o600);
	assert.deepEqual(readdirSync(own).sort(), ['.nni', 'file', 'parameter.cfg', 'parameters.json', 'trial.log']);
	assert.deepEqual(JSON.parse(readFileSync(join(own, 'parameter.cfg'))).parameters, parameters);
});

test('the server is killed in mid-run and comes back: nothing is lost, nothing done twice', async (t) => {
	let mine = await Server.start();
	const listen = new URL(mine.url).host;
	t.after(() => mine.close());
	const id = await mine.create({ name: 'killed', tuner: random, search_space: space, limits: { max_trials: 12 } });
	const train = script('slow.sh', `
		cairn trial report 1; sleep 0.3; cairn trial report 2; sleep 0.3
		cairn trial final "$CAIRN_PARAM_x"`);
	const agent = start(['agent', id, '--slots', '3', '--', train], { url: mine.url });
	const ended = async () => (await mine.get(`/v1/experiments/${id}`)).counts.succeeded;
	await until(async () => await ended() >= 2, LONG);
	await mine.kill();
	await new Promise((resolve) => setTimeout(resolve, 1500)); // meanwhile trials report to nobody
	mine = await Server.start({ keep: mine.dir, listen });
	assert.equal(await agent.ended, 0, agent.err);
	assert.match(agent.out, /^12 succeeded, 0 stopped, 0 failed, 0 given back\n$/);
	const trials = await all(mine, `/v1/experiments/${id}/trials`);
	assert.equal(trials.length, 12);
	for (const trial of trials) {
		assert.deepEqual([trial.state, trial.attempt, trial.value, trial.last_step], ['succeeded', 1, trial.parameters.x, 1]);
		assert.equal((await all(mine, `/v1/experiments/${id}/trials/${trial.trial}/metrics`)).filter((x) => x.step !== null).length, 2);
	}
	assert.equal(directories(id).length, 12);
});

test('a verdict to stop kills the trial, all of it', async () => {
	const id = await server.create({ name: 'stop', tuner: random, search_space: space, limits: { max_trials: 5 },
		assessor: { name: 'medianstop', options: { start_step: 2 } } });
	// Trial 4 is bad; it starts a child that does not listen to SIGTERM.
	const train = script('stop.sh', `
		[ "$CAIRN_TRIAL" = 4 ] && value=0 || value=1
		[ "$value" = 1 ] || { (trap '' TERM; exec sleep 98765) & trap 'echo ended; exit 1' TERM; }
		for step in 1 2 3 4; do cairn trial report "$value" --step "$step"; done
		[ "$value" = 1 ] || { while :; do sleep 0.1; done; }
		cairn trial final 1`);
	const { out } = await expect(0, ['agent', id, '--', train]);
	assert.equal(out, '4 succeeded, 1 stopped, 0 failed, 0 given back\n');
	assert.equal((await trialsOf(id))[4].state, 'stopped');
	assert.match(await logOf(id, 4), /ended\n$/);
	assert.deepEqual(alive('98765'), []);
});

test('a person stops a silent trial: its heartbeat learns it', async () => {
	const id = await server.create({ name: 'person', tuner: random, search_space: space, limits: { max_trials: 1 } });
	const agent = start(['agent', id, '--lease', '1s', '--grace', '100ms', '--command', 'trap "" TERM; exec sleep 87654']);
	await until(() => alive('sleep\u000087654').length === 1, LONG);
	await server.post(`/v1/experiments/${id}/trials/0/stop`, {});
	assert.equal(await agent.ended, 0);
	assert.deepEqual(alive('sleep\u000087654'), []);
	assert.equal((await trialsOf(id))[0].state, 'stopped');
});

test('failures: told with their last words, retried when asked to, and too many end the agent', async () => {
	const create = (name, n) => server.create({ name, tuner: random, search_space: space, limits: { max_trials: n } });
	const one = await create('fails', 3);
	const fail = script('fail.sh', 'echo begin; echo "no such data" >&2; exit 3');
	const { out, err } = await expect(1, ['agent', one, '--max-failures', '2', '--', fail]);
	assert.equal(out, '0 succeeded, 0 stopped, 2 failed, 0 given back\n');
	assert.match(err, /2 trials in a row have failed/);
	assert.equal((await trialsOf(one))[0].message, 'exit status 3: no such data');

	const two = await create('retries', 1);
	const second = script('second.sh', '[ "$CAIRN_ATTEMPT" = 3 ] || kill -9 $$; echo third; cairn trial final 3');
	assert.equal((await expect(0, ['agent', two, '--retries', '2', '--', second])).out,
		'1 succeeded, 0 stopped, 0 failed, 2 given back\n');
	assert.deepEqual(directories(two).sort(), ['0-1', '0-2', '0-3']);
	assert.equal(await logOf(two, 0), 'third\n');

	const silent = await create('silent', 1);
	await expect(0, ['agent', silent, '--command', 'echo done']);
	assert.equal((await trialsOf(silent))[0].message, 'it ended without a final value: done');

	const slow = await create('slow', 1);
	await expect(0, ['agent', slow, '--time-limit', '300ms', '--command', 'exec sleep 76543']);
	assert.equal((await trialsOf(slow))[0].message, 'it ran longer than the limit of 300 ms');

	const objectives = await server.create({ name: 'refused', tuner: random, search_space: space, limits: { max_trials: 1 },
		objectives: [{ name: 'a', goal: 'minimize' }, { name: 'b', goal: 'minimize' }] });
	await expect(0, ['agent', objectives, '--command', 'cairn trial final \'{"a": 1}\'']);
	const [refused] = await trialsOf(objectives);
	assert.equal(refused.state, 'failed');
	assert.match(await logOf(objectives, 0), /^cairn: the server refuses a report: .*"b"/);

	const none = await create('none', 1);
	assert.match((await expect(2, ['agent', none, '--', '/nonexistent/program'])).err, /No such file/);
	assert.equal((await trialsOf(none))[0].state, 'waiting');
});

test('SIGTERM: trials are ended and given back; a killed agent leaves nothing that runs', async () => {
	const id = await server.create({ name: 'term', tuner: random, search_space: space, limits: { max_trials: 4 } });
	const agent = start(['agent', id, '--slots', '2', '--command', 'exec sleep 65432']);
	await until(() => alive('sleep\u000065432').length === 2, LONG);
	agent.kill('SIGTERM');
	assert.equal(await agent.ended, 0);
	assert.equal(agent.out, '0 succeeded, 0 stopped, 0 failed, 2 given back\n');
	assert.deepEqual(alive('sleep\u000065432'), []);
	assert.deepEqual((await trialsOf(id)).map((trial) => trial.state), ['waiting', 'waiting']);

	const killed = start(['agent', id, '--slots', '2', '--worker', 'me', '--command', 'exec sleep 65432']);
	await until(() => alive('sleep\u000065432').length === 2, LONG);
	killed.kill('SIGKILL');
	await killed.ended;
	await until(() => alive('sleep\u000065432').length === 0, LONG);
	// An agent of the same name takes them up again, as the same attempts.
	await expect(0, ['agent', id, '--slots', '2', '--worker', 'me', '--command', 'cairn trial final 1']);
	const trials = await trialsOf(id);
	assert.deepEqual(trials.map((trial) => [trial.state, trial.attempt]),
		[['succeeded', 2], ['succeeded', 2], ['succeeded', 1], ['succeeded', 1]]);
	assert.ok(directories(id).includes('0-2.2'));
});

test('the Slurm template: SIGTERM reaches the agent, and its status the job', async () => {
	const id = await server.create({ name: 'slurm', tuner: random, search_space: space, limits: { max_trials: 2 } });
	const job = (...args) => start([resolve('deploy/agent.sbatch'), id, ...args],
		{ program: 'sh', env: { SLURM_ARRAY_JOB_ID: '7', SLURM_ARRAY_TASK_ID: '3', TMPDIR: dir } });
	const first = job('--command', 'exec sleep 54321');
	await until(() => alive('sleep\u000054321').length === 1, LONG);
	assert.match((await trialsOf(id))[0].worker, /^slurm-7\.3\/0$/);
	first.kill('SIGTERM');
	assert.equal(await first.ended, 0, first.err);
	assert.equal((await trialsOf(id))[0].state, 'waiting');
	assert.equal(await job('--max-failures', '1', '--', 'false').ended, 1);
	assert.equal(await job('--', 'cairn', 'trial', 'final', '1').ended, 0);
	assert.deepEqual((await trialsOf(id)).map((trial) => trial.state), ['failed', 'succeeded']);
});

test('rungs: the resource, the steps that are done and the checkpoint reach the trial', async () => {
	const id = await server.create({ name: 'rungs', search_space: space, limits: { max_trials: 9 },
		tuner: { name: 'asha', seed: 1, options: { min_resource: 1, max_resource: 9, eta: 3 } } });
	const train = script('rungs.sh', `
		echo "from $CAIRN_START to $CAIRN_RESOURCE, checkpoint \${CAIRN_CHECKPOINT-none}"
		step=$CAIRN_START
		while [ "$step" -lt "$CAIRN_RESOURCE" ]; do
			step=$((step + 1))
			cairn trial report "$CAIRN_PARAM_x" --checkpoint "at-$step"
		done
		[ "$step" -lt 9 ] || cairn trial final "$CAIRN_PARAM_x"
		sleep 0.5`);
	await expect(0, ['agent', id, '--slots', '2', '--trials', '12', '--', train]);
	const logs = await Promise.all((await trialsOf(id)).map((trial) => logOf(id, trial.trial)));
	const begun = logs.join('').trim().split('\n');
	assert.ok(begun.some((line) => line === 'from 0 to 1, checkpoint none'), begun.join('; '));
	assert.ok(begun.some((line) => line === 'from 1 to 3, checkpoint at-1'), begun.join('; '));
});

test('a population: a fork is told whose checkpoint it starts from', async () => {
	const id = await server.create({ name: 'population', search_space: space, objectives: [{ name: 'default', goal: 'minimize' }],
		tuner: { name: 'pbt', seed: 1, options: { population_size: 2, fraction: 0.5, interval: 1, max_resource: 3 } } });
	const train = script('population.sh', `
		echo "$CAIRN_TRIAL from $CAIRN_START of \${CAIRN_SOURCE-none}, checkpoint \${CAIRN_CHECKPOINT-none}"
		at="$CAIRN_TRIAL-$CAIRN_RESOURCE"
		[ "$CAIRN_RESOURCE" = 3 ] || exec cairn trial report "$CAIRN_PARAM_x" --checkpoint "$at"
		cairn trial final "$CAIRN_PARAM_x"`);
	await expect(0, ['agent', id, '--slots', '1', '--trials', '12', '--', train]);
	const trials = await trialsOf(id);
	const fork = trials.find((trial) => trial.parent !== null);
	assert.match(await logOf(id, 0), /^0 from 0 of none, checkpoint none\n/);
	assert.ok((await logOf(id, fork.trial)).startsWith(`${fork.trial} from 1 of ${fork.parent}, checkpoint ${fork.parent}-1\n`),
		await logOf(id, fork.trial));
});

test('the nni package\'s own files: its trials run as they are', async () => {
	const id = await server.create({ name: 'nni', tuner: random, search_space: space, limits: { max_trials: 1 } });
	// What nni 2.x does on the platform "local": parameter.cfg in, records with JSON in JSON out.
	const trial = join(dir, 'trial.mjs');
	writeFileSync(trial, `
		import { appendFileSync, readFileSync } from 'node:fs';
		const dir = process.env.NNI_SYS_DIR, { parameters, parameter_id } = JSON.parse(readFileSync(dir + '/parameter.cfg'));
		const send = (type, sequence, value) => {
			const data = JSON.stringify({ parameter_id, trial_job_id: process.env.NNI_TRIAL_JOB_ID, type, sequence, value }) + '\\n';
			appendFileSync(dir + '/.nni/metrics', 'ME' + String(Buffer.byteLength(data)).padStart(6, '0') + data);
		};
		send('PERIODICAL', 0, '0.25');
		send('PERIODICAL', 1, '{"default": 0.5, "accuracy": 0.75, "note": "text"}');
		send('PERIODICAL', 2, 'NaN');
		send('FINAL', 0, String(parameters.x));`);
	await expect(0, ['agent', id, '--', process.execPath, trial]);
	const [{ state, value, parameters }] = await trialsOf(id);
	assert.deepEqual([state, value], ['succeeded', parameters.x]);
	const metrics = await all(server, `/v1/experiments/${id}/trials/0/metrics`);
	assert.deepEqual(metrics.filter((x) => x.step !== null).map((x) => x.values),
		[{ default: 0.25 }, { default: 0.5, accuracy: 0.75 }, { default: 'nan' }]);
});

test('without an agent a script runs by itself', async () => {
	const alone = { env: { CAIRN_URL: 'http://127.0.0.1:1' } };
	const file = join(dir, 'space.json');
	writeFileSync(file, JSON.stringify({
		lr: { _type: 'loguniform', _value: [0.0001, 1] }, n: { _type: 'randint', _value: [2, 9] },
		op: { _type: 'choice', _value: [{ _name: 'conv', rate: { _type: 'uniform', _value: [0, 1] } }, { _name: 'none' }] },
		q: { _type: 'quniform', _value: [0, 10, 4] }, given: { _type: 'uniform', _value: [0, 1], _default: 0.125 } }));
	assert.equal((await expect(0, ['trial', 'get'], alone)).out, '{}\n');
	assert.equal((await expect(0, ['trial', 'get', 'lr', '0.01'], alone)).out, '0.01\n');
	await expect(1, ['trial', 'get', 'lr'], alone);
	assert.deepEqual(JSON.parse((await expect(0, ['trial', 'get', '--space', file], alone)).out),
		{ lr: 0.01, n: 5, op: { _name: 'conv', rate: 0.5 }, q: 4, given: 0.125 });
	assert.equal((await expect(0, ['trial', 'get', 'op', '--space', file], alone)).out, 'conv\n');
	assert.equal((await expect(0, ['trial', 'get', 'op', '--json', '--space', file], alone)).out, '"conv"\n');
	assert.equal((await expect(0, ['trial', 'report', '0.5', '--step', '3'], alone)).out,
		'{"type":"PERIODICAL","value":0.5,"step":3}\n');
	assert.equal((await expect(0, ['trial', 'final', 'nan'], alone)).out, '{"type":"FINAL","value":"nan"}\n');
	assert.equal(existsSync(join(dir, '.nni')), false);
});

test('wrong command lines', async () => {
	const wrong = [['agent'], ['agent', 'exp_1'], ['agent', 'exp_1', '--'], ['agent', 'exp_1', 'true'],
		['agent', 'exp_1', '--command', 'true', '--', 'true'], ['agent', 'exp_1', '--slots', '0', '--', 'true'],
		['agent', 'exp_1', '--lease', '10ms', '--', 'true'], ['agent', 'exp_1', '--grace', '1 s', '--', 'true'],
		['agent', 'exp_1', '--memory', '1xb', '--', 'true'], ['agent', 'exp_1', '--gpus', '0,,1', '--', 'true'],
		['agent', 'exp_1', '--gpus-per-trial', '1', '--', 'true'], ['agent', 'exp_1', '--code', '/nonexistent', '--', 'true'],
		['agent', 'exp_1', '--dir', '/dev/null/x', '--', 'true'], ['trial'], ['trial', 'nothing'], ['trial', 'report'],
		['trial', 'report', 'much'], ['trial', 'report', '1', '--step', '-1'], ['trial', 'final', '1', '--step', '1'],
		['trial', 'get', '--space', '/nonexistent']];
	for (const args of wrong) {
		const { out, err } = await expect(2, args);
		assert.equal(out, '', args.join(' '));
		assert.notEqual(err, '', args.join(' '));
	}
	assert.match((await expect(1, ['agent', 'exp_none', '--', 'true'])).err, /exp_none/);
});
