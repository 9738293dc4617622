// The book's multi-trial NAS cases (N1, N2, N3) through the HTTP API: a client that trains nothing, but evaluates
// the concrete graph of each trial.
import test from 'node:test';
import assert from 'node:assert/strict';

import { backends, Server, work } from './harness.mjs';

const times = (value) => ({ type: 'Multiply', parameters: { value } });
const activation = (label) => ({ type: 'LayerChoice', label,
	candidates: { tanh: { type: 'Tanh' }, sigmoid: { type: 'Sigmoid' }, relu: { type: 'ReLU' } } });
const chain = (...names) => names.slice(1).map((to, i) => ({ from: names[i], to }));

const N1 = {
	inputs: { x: [] },
	nodes: {
		op1: activation('op1'), twice: times(2),
		plus: { type: 'Add', parameters: { value: { type: 'ValueChoice', label: 'add', values: [0, 1, 2] } } },
		four: times(4), op2: activation('op2'),
	},
	edges: chain('_inputs', 'op1', 'twice', 'plus', 'four', 'op2', '_outputs'),
};
const N2 = {
	inputs: { x: [] },
	nodes: { a: times(2), b: times(3), c: times(4),
		pick: { type: 'InputChoice', label: 'pick', n_chosen: 2, replacement: true, reduction: 'sum' } },
	edges: [...chain('_inputs', 'a', 'b', 'c'), ...['a', 'b', 'c'].map((from) => ({ from, to: 'pick' })), ...chain('pick', '_outputs')],
};
const N3 = {
	inputs: { x: [] },
	nodes: { blocks: { type: 'Repeat', label: 'depth', depth: [1, 5],
		block: { type: 'Add', parameters: { value: { expression: '{i}' } } } } },
	edges: chain('_inputs', 'blocks', '_outputs'),
};

// The output of a graph of numbers whose input is 1.
function evaluate({ nodes, edges }) {
	const into = (name) => edges.filter((e) => e.to[0] === name).map((e) => value(e.from));
	function value(from) {
		if (Array.isArray(from))
			return 1; // an input
		const { type, parameters } = nodes[from];
		const terms = 'value' in parameters ? [...into(from), parameters.value] : into(from);
		return { Tanh: () => Math.tanh(terms[0]), Sigmoid: () => 1 / (1 + Math.exp(-terms[0])),
			ReLU: () => Math.max(0, terms[0]), Add: () => terms.reduce((a, b) => a + b),
			Multiply: () => terms.reduce((a, b) => a * b) }[type]();
	}
	return into('_outputs')[0];
}

async function search(server, name, model_space, tuner) {
	const report = await server.post('/v1/model_spaces', { model_space });
	const id = await server.create({ name, kind: 'nas', model_space, tuner });
	const { trials, reason } = await work(server, id, async (_, { trial }) =>
		evaluate((await server.get(`/v1/experiments/${id}/trials/${trial}/model`)).model), { workers: 3 });
	assert.equal(reason, 'exhausted');
	assert.equal(trials.length, report.distinct);
	const best = (await server.get(`/v1/experiments/${id}/best?top=1`)).items[0];
	return { count: report.count, tried: trials.length, value: best.value, parameters: best.parameters };
}

for (const backend of backends()) {
	test(`architectures on ${backend.name}`, async (t) => {
		const server = await Server.start({ database: backend.postgres, redis: backend.redis });
		t.after(() => server.close());
		for (const name of ['random', 'evolution', 'gridsearch']) {
			const tuner = { name, seed: 1 };
			await t.test(`N1 with ${name}: 27 models, the best is 16`, async () => {
				assert.deepEqual(await search(server, 'N1', N1, tuner), { count: '27', tried: 27, value: 16,
					parameters: { op1: 'relu', add: 2, op2: 'relu' } });
			});
			await t.test(`N2 with ${name}: 9 samples, 6 models, the best is 48`, async () => {
				assert.deepEqual(await search(server, 'N2', N2, tuner), { count: '9', tried: 6, value: 48,
					parameters: { pick_0: 2, pick_1: 2 } });
			});
			await t.test(`N3 with ${name}: 5 models`, async () => {
				assert.deepEqual(await search(server, 'N3', N3, tuner),
					{ count: '5', tried: 5, value: 11, parameters: { depth: 5 } });
			});
		}
	});
}
