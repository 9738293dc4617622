// The parts of the dashboard that need no browser: reading tables, finding trials, addresses, texts.
import test from 'node:test';
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '../../service/dashboard');
const { build } = createRequire(join(root, 'package.json'))('esbuild');

const directory = mkdtempSync(join(tmpdir(), 'cairn-dashboard-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
async function load(name) {
	const outfile = join(directory, `${name.replace(/\W/g, '_')}.mjs`);
	await build({ entryPoints: [join(root, 'src', name)], bundle: true, format: 'esm', outfile, platform: 'node', logLevel: 'error', define: { WORKER_URL: '""' } });
	return import(pathToFileURL(outfile));
}
const trials = await load('trials.ts');
const { flatten, number, numeric, duration, bytes } = await load('format.ts');
const { parse, href } = await load('router.ts');
const { fromNni } = await load('nni.ts');
const { thinned } = await load('charts/parameters.ts');

const experiment = { objectives: [{ name: 'acc' }, { name: 'ms' }] };
const text = 'number,state,attempt,worker,created,started,ended,acc,ms,lr,op,op.k\r\n' +
	'0,succeeded,1,w0,2026-01-31T12:00:00.000Z,2026-01-31T12:00:00.000Z,2026-01-31T12:01:00.000Z,0.5,3,0.01,conv,3\r\n' +
	'1,failed,1,"gpu ""a"", 1",2026-01-31T12:00:00.000Z,,,,,0.1,none,\r\n' +
	'2,succeeded,2,w1,2026-01-31T12:00:00.000Z,2026-01-31T12:00:00.000Z,2026-01-31T12:00:10.000Z,0.9,inf,1e-4,"a\nb",5\r\n';

test('CSV is read as RFC 4180 has it', () => {
	assert.deepEqual([...trials.csvRows('a,b\r\n"x ""y"", z",\r\n,\n1')], [['a', 'b'], ['x "y", z', ''], ['', ''], ['1']]);
	assert.deepEqual([...trials.csvRows('')], []);
	assert.deepEqual([...trials.csvRows('"never closed')], []);
});

test('the table of trials', () => {
	const table = trials.parseTrials(text, experiment);
	assert.deepEqual(table.parameters, ['lr', 'op', 'op.k']);
	assert.equal(table.rows[1].worker, 'gpu "a", 1');
	assert.deepEqual(table.rows[1].parameters, [0.1, 'none', null]);
	assert.ok(Number.isNaN(table.rows[1].values[0]) && Number.isNaN(table.rows[1].ended));
	assert.equal(table.rows[2].values[1], Infinity);
	assert.equal(table.rows[2].parameters[1], 'a\nb');
	assert.deepEqual(trials.parseTrials('', experiment).rows, []);
});

test('a trial as JSON becomes the same row as from CSV', () => {
	const table = trials.parseTrials(text, experiment);
	const row = trials.rowOf({ trial: 0, state: 'succeeded', attempt: 1, worker: 'w0', created_at: '2026-01-31T12:00:00.000Z', started_at: '2026-01-31T12:00:00.000Z',
		ended_at: '2026-01-31T12:01:00.000Z', values: { acc: { value: 0.5, stderr: 0.1 }, ms: 3 }, parameters: { lr: 0.01, op: { _name: 'conv', k: 3 } } }, table);
	assert.deepEqual(row, table.rows[0]);
});

test('rows are replaced and added in order', () => {
	const table = trials.parseTrials(text, experiment);
	const merged = trials.merge(table, [{ ...table.rows[1], state: 'waiting' }, { ...table.rows[0], trial: 7 }, { ...table.rows[0], trial: 3 }]);
	assert.deepEqual(merged.rows.map((row) => row.trial), [0, 1, 2, 3, 7]);
	assert.equal(merged.rows[1].state, 'waiting');
	assert.equal(table.rows[1].state, 'failed');
});

test('finding trials', () => {
	const table = trials.parseTrials(text, experiment);
	const found = (query) => trials.search(table, query).map((row) => row.trial);
	assert.deepEqual(found(''), [0, 1, 2]);
	assert.deepEqual(found('lr<0.05'), [0, 2]);
	assert.deepEqual(found('lr>=0.01 op=CONV'), [0]);
	assert.deepEqual(found('op!=conv'), [1, 2]);
	assert.deepEqual(found('op.k=5'), [2]);
	assert.deepEqual(found('acc>0.6'), [2]);
	assert.deepEqual(found('duration>30'), [0]);
	assert.deepEqual(found('state=failed'), [1]);
	assert.deepEqual(found('gpu'), [1]);
	assert.deepEqual(found('unknown<3'), []);
	assert.deepEqual(found('2'), [2]);
});

test('sorting leaves what has no value at the end, either way', () => {
	const table = trials.parseTrials(text, experiment);
	const order = (column, descending) => trials.sorted(table, table.rows, column, descending).map((row) => row.trial);
	assert.deepEqual(order('value:acc', false), [0, 2, 1]);
	assert.deepEqual(order('value:acc', true), [2, 0, 1]);
	assert.deepEqual(order('p:op.k', true), [2, 0, 1]);
	assert.deepEqual(order('trial', true), [2, 1, 0]);
	assert.deepEqual(trials.ranked(table, 0, 'maximize').map((row) => row.trial), [2, 0]);
	assert.deepEqual(trials.ranked(table, 1, 'minimize').map((row) => row.trial), [0]);
});

test('addresses', () => {
	assert.deepEqual(parse('').path, ['experiments']);
	assert.deepEqual(parse('#exp_A-b_1').path, ['experiments', 'exp_A-b_1']);
	const made = href(['experiments', 'a/b ?', 'trials', 3], { q: 'lr<1 & op=x', state: '', none: null });
	const route = parse(made);
	assert.deepEqual(route.path, ['experiments', 'a/b ?', 'trials', '3']);
	assert.deepEqual([...route.query], [['q', 'lr<1 & op=x']]);
	assert.deepEqual(parse('#/experiments/%E0%A4%A').path, ['experiments', '%E0%A4%A']);
});

test('numbers and times', () => {
	assert.equal(number(0.1 + 0.2), '0.3');
	assert.equal(number(null), '–');
	assert.equal(number('nan'), 'nan');
	assert.equal(number(12345678), '12345678');
	assert.equal(numeric('-inf'), -Infinity);
	assert.equal(duration(999), '999 ms');
	assert.equal(duration(1500), '1.5 s');
	assert.equal(duration(60000), '1 min');
	assert.equal(duration(3 * 3600e3 + 5 * 60e3 + 7e3), '3 h 5 min');
	assert.equal(duration(NaN), '–');
	assert.equal(bytes(1536), '1.5 KiB');
	assert.deepEqual(flatten({ a: 1, op: { _name: 'conv', k: { _name: 'x', y: [2] } } }), { a: 1, op: 'conv', 'op.k': 'x', 'op.k.y': [2] });
});

test('the configuration of NNI', () => {
	assert.equal(fromNni({ name: 'ours', search_space: {} }), null);
	assert.deepEqual(fromNni({ searchSpace: { x: {} }, maxTrialNumber: 3, trialConcurrency: 2, advisor: { name: 'BOHB', classArgs: { max_budget: 9 } } }),
		{ name: 'from NNI', search_space: { x: {} }, tuner: { name: 'BOHB', classArgs: { max_budget: 9 } }, limits: { max_trials: 3, concurrency: 2 } });
});

test('thinning keeps both ends', () => {
	const list = Array.from({ length: 1001 }, (_, i) => i);
	const some = thinned(list, 11);
	assert.deepEqual(some, [0, 100, 200, 300, 400, 500, 600, 700, 800, 900, 1000]);
	assert.equal(thinned(list, 2000), list);
});
