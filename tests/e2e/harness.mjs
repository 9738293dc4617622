// Starts a real cairnd on a scratch database and speaks HTTP with it. Every answer is checked against
// openapi.yaml (tests/contract/validate.mjs) unless a test says otherwise.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import assert from 'node:assert/strict';

import { findOperation, validate } from '../contract/validate.mjs';

const binary = process.env.CAIRND ?? 'build/dev/cairnd';

/** operationId -> the statuses seen, of every request made in this process. */
export const seen = new Map();

/** The back ends to test: SQLite always, PostgreSQL (with Redis, if there is one) when it is there. */
export function backends() {
	const list = [{ name: 'sqlite' }];
	if (process.env.CAIRN_TEST_POSTGRES)
		list.push({ name: 'postgresql', postgres: process.env.CAIRN_TEST_POSTGRES, redis: process.env.CAIRN_TEST_REDIS,
			fresh: freshDatabase });
	return list;
}

/** A database of its own in the test cluster, for what must not meet other tests (tokens end open mode). */
let databases = 0;
async function freshDatabase() {
	const url = process.env.CAIRN_TEST_POSTGRES;
	const name = `e2e_${process.pid}_${databases++}`;
	const made = spawnSync('psql', [url, '-qc', `CREATE DATABASE ${name}`], { encoding: 'utf8' });
	assert.equal(made.status, 0, made.stderr);
	return url.replace(/\/[^/?]*(\?|$)/, `/${name}$1`);
}

export class Server {
	/** options: database, redis, args, env, keep (directory of an earlier server). */
	static async start(options = {}) {
		const server = new Server();
		server.dir = options.keep ?? mkdtempSync(join(tmpdir(), 'cairn-e2e-'));
		server.database = options.database ?? `sqlite:///${server.dir}/cairn.db`;
		server.options = options;
		const args = ['--listen', options.listen ?? '127.0.0.1:0', '--database', server.database, '--log-format', 'json'];
		if (options.redis)
			args.push('--redis', options.redis);
		server.process = spawn(binary, [...args, ...(options.args ?? [])], {
			stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...(options.env ?? {}) } });
		server.log = '';
		server.process.stderr.on('data', (data) => { server.log = (server.log + data).slice(-200000); });
		server.exited = once(server.process, 'exit');
		server.url = await new Promise((resolve, reject) => {
			let out = '';
			server.process.stdout.on('data', (data) => {
				out += data;
				const found = /listening on (http:\S+)/.exec(out);
				if (found)
					resolve(found[1]);
			});
			server.process.on('error', reject);
			server.process.on('exit', (code) => reject(new Error(`cairnd ended with ${code}: ${server.log}`)));
		});
		return server;
	}

	/** One request. Answers {status, body, headers, text}; body is parsed JSON where it is JSON. */
	async request(method, path, body, { headers = {}, contract = true, signal } = {}) {
		const json = body !== undefined && typeof body !== 'string' && !(body instanceof Uint8Array);
		const response = await fetch(this.url + path, {
			method, signal,
			headers: { ...(json ? { 'content-type': 'application/json' } : {}), ...headers },
			body: json ? JSON.stringify(body) : body,
		});
		const text = await response.text();
		const type = response.headers.get('content-type') ?? '';
		const answer = { status: response.status, headers: response.headers, text,
			body: /\bjson$|json;/.test(type) && !type.includes('ndjson') && text ? JSON.parse(text) : undefined };
		const operation = findOperation(method, path)?.operation.operationId;
		if (operation)
			seen.set(operation, (seen.get(operation) ?? new Set()).add(response.status));
		if (contract)
			assert.deepEqual(validate(method, path, response.status, response.headers, text), []);
		return answer;
	}

	async ok(method, path, body, options) {
		const answer = await this.request(method, path, body, options);
		assert.ok(answer.status >= 200 && answer.status < 300,
			`${method} ${path}: ${answer.status} ${answer.text}`);
		return answer.body;
	}

	get = (path, options) => this.ok('GET', path, undefined, options);
	post = (path, body, options) => this.ok('POST', path, body, options);

	async create(body) {
		return (await this.post('/v1/experiments', body)).id;
	}

	/** The value of a metric of /metrics, summed over its labels. */
	async metric(name) {
		const { text } = await this.request('GET', '/metrics', undefined, { contract: false });
		const lines = text.split('\n').filter((line) => line.startsWith(name) && /[ {]/.test(line[name.length]));
		assert.ok(lines.length > 0, `/metrics has no ${name}`);
		return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
	}

	async kill() {
		this.process.kill('SIGKILL');
		await this.exited;
	}

	async stop() {
		this.process.kill('SIGTERM');
		const [code] = await this.exited;
		return code;
	}

	async close() {
		// A sanitizer speaks in the log and by the exit status, when everything else is over.
		if (this.process.exitCode === null && this.process.signalCode === null)
			assert.equal(await this.stop(), 0, `cairnd ended badly: ${this.log}`);
		rmSync(this.dir, { recursive: true, force: true });
	}
}

/** Asks again and again, up to ms; by the monotonic clock, as a machine's own may be set. */
export async function until(holds, ms = 10000) {
	for (const end = performance.now() + ms; !await holds();) {
		assert.ok(performance.now() < end, 'it did not come to hold');
		await new Promise((resolve) => setTimeout(resolve, 20));
	}
}

/**
 * Workers that take trials until there are no more. evaluate(parameters, trial, report) answers the final
 * value, or undefined when it was stopped; report(step, value) answers the command. Answers the trials as
 * the workers saw them.
 */
export async function work(server, experiment, evaluate, { workers = 4, count = 1, wait = '10s' } = {}) {
	const seen = [];
	let reason;
	await Promise.all(Array.from({ length: workers }, async (_, index) => {
		for (;;) {
			const answer = await server.post(`/v1/experiments/${experiment}/suggest`,
				{ worker: `w${index}`, wait, count });
			if (answer.done) {
				reason = answer.reason;
				return;
			}
			for (const trial of answer.trials) {
				seen.push(trial);
				const observe = (item) => server.post(`/v1/experiments/${experiment}/observe`,
					{ trial: trial.trial, attempt: trial.attempt, ...item });
				const value = await evaluate(trial.parameters, trial,
					async (step, v) => (await observe({ step, value: v })).items[0].command);
				if (value !== undefined)
					await observe({ value, final: true });
			}
		}
	}));
	return { trials: seen, reason };
}

export async function* pages(server, path) {
	let cursor;
	do {
		const join = path.includes('?') ? '&' : '?';
		const page = await server.get(path + (cursor ? `${join}cursor=${encodeURIComponent(cursor)}` : ''));
		yield* page.items;
		cursor = page.next_cursor;
	} while (cursor);
}

export async function all(server, path) {
	const list = [];
	for await (const item of pages(server, path))
		list.push(item);
	return list;
}
