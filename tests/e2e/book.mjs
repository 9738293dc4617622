// The worked cases of "Automated Deep Learning Using Neural Network Intelligence" (I. Gridin, Apress 2022),
// as facts: spaces and functions. Names as in docs/cases.

const round = (x, digits) => Math.round(x * 10 ** digits) / 10 ** digits;

export const B1 = {
	search_space: {
		x: { _type: 'quniform', _value: [1, 100, 1] },
		y: { _type: 'quniform', _value: [1, 10, 1] },
		z: { _type: 'quniform', _value: [1, 10000, 0.01] },
	},
	optimum: 50,
	value({ x, y, z }) {
		const r = y % 2 === 0
			? (x > 50 ? (x ** Math.sin(z) - x) * x / 2 : (x ** Math.cos(z) + x) * x)
			: y ** (2 - Math.sin(x) * Math.cos(z));
		return round(r / 100, 2);
	},
};

export const B2 = {
	search_space: {
		x: { _type: 'quniform', _value: [-10, 10, 1] },
		y: { _type: 'quniform', _value: [-10, 10, 1] },
	},
	value({ x, y }) {
		return -10 * (x ** 5 / (3 * (x ** 3 / 4 + 1) ** 2 + y ** 4 + 10) + (x * y / 2) ** 2 / 1000);
	},
};

export const B3 = {
	search_space: {
		x: { _type: 'uniform', _value: [-10, 10] },
		y: { _type: 'uniform', _value: [-10, 10] },
	},
	optimum: 19.2085,
	value({ x, y }) {
		return Math.abs(Math.sin(x) * Math.cos(y) * Math.exp(Math.abs(1 - Math.hypot(x, y) / Math.PI)));
	},
};

const choice = (...values) => ({ _type: 'choice', _value: values });

export const H2 = {
	points: 384,
	search_space: {
		activation: choice('sigmoid', 'relu'),
		use_dropout: choice({ _name: '0' }, { _name: '1', rate: choice(0.3, 0.5, 0.7) }),
		filter: choice(16, 32),
		kernel: choice(5, 7),
		l1: choice(64, 128, 256),
		batch: choice(512, 1024),
		lr: choice(0.001, 0.0001),
	},
};

const transformer = () => choice(
	{ _name: 'none' },
	{ _name: 'scaler' },
	{ _name: 'pca', n: choice(2, 3) },
	{ _name: 'poly', degree: choice(2, 3) });

export const H4 = {
	search_space: {
		op_1: choice({ _name: 'none' }, { _name: 'kbest', k: choice(2, 4) }),
		op_2: transformer(),
		op_3: transformer(),
		op_4: transformer(),
		op_5: choice({ _name: 'tree', depth: choice(2, 4) }, { _name: 'bayes' }),
	},
	canonical: { sequence: ['op_1', 'op_2', 'op_3', 'op_4', 'op_5'], ignore: ['none'], ordered: true, no_repeats: true },
	/** The pipeline without its empty steps, as text: equal pipelines give equal texts. */
	pipeline(parameters) {
		const steps = Object.values(parameters).filter((step) => step._name !== 'none');
		return steps.map((step) => JSON.stringify(step, Object.keys(step).sort()));
	},
};

/** S1: 100 steps towards x; noise from a seeded generator so that a run can be repeated. */
export const S1 = {
	search_space: { x: { _type: 'quniform', _value: [1, 100, 0.1] } },
	curve(x, seed) {
		let state = (seed * 2654435761 + 1) >>> 0;
		const uniform = () => {
			state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
			return state / 2 ** 32;
		};
		return Array.from({ length: 100 }, (_, h) =>
			Math.max(round(x / 10, 2) * Math.sqrt(h + 1) + 6 * uniform() - 3, 0));
	},
};
