// A running cairnd against who means it no good, and against the operating system: malformed requests,
// slow ones, random ones, signals. Whatever comes, it answers no 500, goes on serving, and leaks nothing.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';

import { Server, until } from './harness.mjs';

const spec = { name: 'h', search_space: { x: { _type: 'uniform', _value: [0, 1] } }, tuner: { name: 'random' } };
const binary = process.env.CAIRND ?? 'build/dev/cairnd';
let server, port;

before(async () => {
	server = await Server.start({ args: ['--request-timeout', '2s', '--idle-timeout', '2s', '--queue', '64',
		'--max-connections', '2000'] });
	port = Number(new URL(server.url).port);
});
after(() => server.close());

/** Sends bytes, answers all that comes back until the end (or ms have passed). end: and closes its side. */
async function raw(bytes, { ms = 5000, end = false } = {}) {
	const socket = connect(port, '127.0.0.1');
	const chunks = [];
	socket.on('data', (chunk) => chunks.push(chunk));
	socket.on('error', () => {});
	socket.setTimeout(ms, () => socket.destroy());
	const closed = once(socket, 'close');
	socket[end ? 'end' : 'write'](bytes);
	await closed;
	return Buffer.concat(chunks).toString('latin1');
}

const statuses = (text) => [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map((found) => Number(found[1]));

async function alive() {
	const { status } = await server.request('GET', '/healthz');
	assert.equal(status, 200);
	assert.equal(server.process.exitCode, null);
}

const post = (path, body, type = 'application/json') => `POST ${path} HTTP/1.1\r\nHost: localhost\r\n`
	+ `Content-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`;

test('bodies that are not what they say', async () => {
	const id = await server.create(spec);
	const bodies = ['', '{', '[]', 'null', '0', '"x"', '{"name":', '{"name":"a","name":"b"}', '{"a":1}x',
		'\ufeff{}', '{"name":"\\u0000"}', '{"name":"\\ud800"}', '[' .repeat(100000), '{"a":'.repeat(5000),
		'1e999999', '{"count":1e400}', '{"count":NaN}', '{"count":-0}', '{"count":1.5}', '{"count":"1"}',
		'{"count":99999999999999999999}', '{"wait":"-1s"}', '{"wait":"1000000h"}', '{"trial":-1,"value":1}',
		'{"trial":9007199254740993,"value":1}', '{"trial":0,"value":"infinity"}', '{"trial":0,"step":1e30,"value":1}',
		'{"search_space":{"x":{"_type":"uniform","_value":[1,0]}}}',
		'{"search_space":{"x":{"_type":"choice","_value":[]}}}', `{"name":"${'a'.repeat(100000)}"}`,
		'{"parameter_constraints":["' + '('.repeat(10000) + '"]}'];
	for (const path of ['/v1/experiments', `/v1/experiments/${id}/suggest`, `/v1/experiments/${id}/observe`,
		`/v1/experiments/${id}/seed`, `/v1/experiments/${id}/trials`, '/v1/spaces/validate', '/v1/tokens'])
		for (const body of bodies)
			for (const answer of statuses(await raw(post(path, body))))
				assert.ok(answer < 500, `${path} ${body.slice(0, 60)}: ${answer}`);
	for (const type of ['text/plain', 'application/xml', '', 'application/json; charset=utf-16', 'multipart/form-data'])
		assert.deepEqual(statuses(await raw(post('/v1/experiments', JSON.stringify(spec), type))), [415], type);
	await alive();
});

test('bytes that are not UTF-8', async () => {
	for (const bad of [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf8, 0x88, 0x80, 0x80, 0x80], [0]]) {
		const body = Buffer.concat([Buffer.from('{"name":"'), Buffer.from(bad), Buffer.from('"}')]);
		const head = Buffer.from('POST /v1/experiments HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n'
			+ `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`);
		assert.deepEqual(statuses(await raw(Buffer.concat([head, body]))), [400]);
	}
	await alive();
});

test('requests made of random pieces', async () => {
	let state = 20240229;
	const random = (n) => {
		state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
		return Math.floor(state / 4294967296 * n);
	};
	const pick = (list) => list[random(list.length)];
	const junk = () => Buffer.from(Array.from({ length: random(64) }, () => random(256))).toString('latin1');
	for (let i = 0; i < 300; i++) {
		const parts = [pick(['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'TRACE', 'get', '', junk()]), ' ',
			pick(['/', '/v1/experiments', '/v1/tuners?kind=', '/%', '/\0', '*', 'http://x/', junk(), '/'.repeat(3000)]),
			pick([' HTTP/1.1', ' HTTP/1.0', ' HTTP/9.9', '', ' ', junk()]), pick(['\r\n', '\n', '\r', '']),
			...Array.from({ length: random(6) }, () => pick(['Host: localhost\r\n', 'Content-Length: 5\r\n',
				'Content-Length: -5\r\n', 'Transfer-Encoding: chunked\r\n', 'Expect: 100-continue\r\n', ': x\r\n',
				'Connection: upgrade\r\n', `X-${junk()}: ${junk()}\r\n`, ' folded\r\n', 'Cookie: ;;;=\r\n',
				'Authorization: Bearer\r\n', 'Accept: */*;q=x\r\n', 'If-Match: "\r\n', 'Idempotency-Key: \r\n'])),
			pick(['\r\n', '', '\r\n\r\n']), pick(['', 'hello', '5\r\nhello\r\n0\r\n\r\n', 'zz\r\n', junk()])];
		const answer = await raw(Buffer.from(parts.join(''), 'latin1'), { ms: 3000, end: true });
		for (const status of statuses(answer))
			assert.ok(status < 500 || status === 501 || status === 505, JSON.stringify(parts) + answer);
	}
	await alive();
});

test('slow clients hold nobody up, and are cut off', async () => {
	const sockets = Array.from({ length: 300 }, (_, i) => {
		const socket = connect(port, '127.0.0.1');
		socket.on('error', () => {});
		socket.write(i % 2 ? 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: '
			: 'POST /v1/experiments HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{');
		socket.drip = setInterval(() => socket.write('x'), 200);
		socket.gone = once(socket, 'close').then(() => clearInterval(socket.drip));
		return socket;
	});
	const begun = performance.now();
	for (let i = 0; i < 20; i++)
		await alive();
	await server.create(spec);
	assert.ok(performance.now() - begun < 3000, 'others are answered meanwhile');
	await Promise.all(sockets.map((socket) => socket.gone));
	assert.ok(performance.now() - begun < 20000, 'the slow ones are cut off');
	assert.ok(await server.metric('cairn_http_timeouts_total') >= 150);
});

test('clients that go away while they wait are given nothing', async () => {
	const id = await server.create({ ...spec, limits: { concurrency: 1 } });
	await server.post(`/v1/experiments/${id}/suggest`, {});
	for (let i = 0; i < 10; i++) {
		const socket = connect(port, '127.0.0.1');
		socket.on('error', () => {});
		await once(socket, 'connect');
		socket.write(i % 2 ? post(`/v1/experiments/${id}/suggest`, '{"wait":"30s"}')
			: `GET /v1/experiments/${id}/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n`);
		if (i % 2 === 0)
			await once(socket, 'data');
		else
			await until(async () => await server.metric('cairn_parked') === 1);
		socket.resetAndDestroy();
		if (i % 2)
			await until(async () => await server.metric('cairn_parked') === 0);
	}
	await server.post(`/v1/experiments/${id}/observe`, { trial: 0, value: 1, final: true });
	const { counts } = await server.get(`/v1/experiments/${id}`);
	assert.equal(counts.handed_out, 1);
	await until(async () => await server.metric('cairn_http_streams') === 0, 40000);
});

test('nothing leaks', async () => {
	/* A server that does not close connections under fetch, which would use them again. */
	const steady = await Server.start({ env: { ASAN_OPTIONS: 'quarantine_size_mb=1' } });
	const id = await steady.create(spec);
	const cut = async () => {
		const socket = connect(new URL(steady.url).port, '127.0.0.1');
		await once(socket, 'connect');
		await new Promise((sent) => socket.write(
			'POST /v1/experiments HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n\r\nx', sent));
		socket.resetAndDestroy();
	};
	const burst = async () => {
		for (let i = 0; i < 40; i++)
			await Promise.all(Array.from({ length: 25 },
				(_, k) => k % 5 ? steady.get(`/v1/experiments/${id}`) : cut()));
	};
	const settle = (name, low) => until(async () => await steady.metric(name) <= low);
	await burst();
	await settle('cairn_http_requests_in_flight', 1);
	const memory = await steady.metric('cairn_process_resident_memory_bytes');
	for (let i = 0; i < 4; i++)
		await burst();
	const grown = await steady.metric('cairn_process_resident_memory_bytes') - memory;
	assert.ok(grown < 16 << 20, `memory grew by ${grown}`);
	await settle('cairn_http_requests_in_flight', 1);
	await settle('cairn_http_body_bytes', 0);
	await settle('cairn_http_connections', 60);
	assert.equal(await steady.stop(), 0);
	await steady.close();
});

test('SIGHUP takes over what may change, and only if it is sound', async () => {
	const dir = mkdtempSync(join(tmpdir(), 'cairn-hup-'));
	const file = join(dir, 'conf'), log = join(dir, 'log');
	writeFileSync(file, `log_level = info\nlog_file = ${log}\n`);
	const other = await Server.start({ args: ['--config', file] });
	const says = async (text, times = 1) => {
		for (let i = 0; i < 100; i++) {
			if (readFileSync(log, 'utf8').split(text).length > times)
				return;
			await new Promise((resolve) => setTimeout(resolve, 50));
		}
		assert.fail(`${text}: ${readFileSync(log, 'utf8')}`);
	};
	await other.get('/healthz');
	await says('"path":"/healthz"');
	writeFileSync(file, `log_level = warning\nlog_file = ${log}\nqueue = none\n`);
	other.process.kill('SIGHUP');
	await says('queue');
	await says('not reloaded');
	await other.get('/healthz');
	await says('"path":"/healthz"', 2);
	renameSync(log, `${log}.1`);
	writeFileSync(file, `access_log = false\nlog_file = ${log}\n`);
	other.process.kill('SIGHUP');
	for (let i = 0; i < 100 && spawnSync('test', ['-e', log]).status; i++)
		await new Promise((resolve) => setTimeout(resolve, 50));
	await says('configuration reloaded');
	await other.get('/healthz');
	assert.equal(await other.stop(), 0);
	assert.ok(!readFileSync(log, 'utf8').includes('/healthz'));
	await says('left in order');
	await other.close();
	rmSync(dir, { recursive: true });
});

test('SIGTERM: ready no more, what has begun is answered, then the end', async () => {
	const other = await Server.start({ args: ['--drain-delay', '1s'] });
	const id = await other.create({ ...spec, limits: { concurrency: 1 } });
	await other.post(`/v1/experiments/${id}/suggest`, {});
	const held = other.post(`/v1/experiments/${id}/suggest`, { wait: '30s' });
	const events = await fetch(`${other.url}/v1/experiments/${id}/events`, { headers: { accept: 'text/event-stream' } });
	other.process.kill('SIGTERM');
	let status = 200;
	for (let i = 0; i < 50 && status === 200; i++)
		({ status } = await other.request('GET', '/readyz'));
	assert.equal(status, 503);
	assert.equal((await other.request('GET', '/healthz')).status, 200);
	assert.deepEqual((await held).trials, []);
	await events.text(); /* ends, and properly: an aborted body throws */
	const [code] = await other.exited;
	assert.equal(code, 0);
	await other.close();
});

test('a second signal ends it at once', async () => {
	const other = await Server.start({ args: ['--drain-delay', '1h'] });
	other.process.kill('SIGTERM');
	for (let i = 0; i < 100 && !other.log.includes('leaving'); i++)
		await new Promise((resolve) => setTimeout(resolve, 20));
	await new Promise((resolve) => setTimeout(resolve, 100));
	other.process.kill('SIGINT');
	const [code] = await other.exited;
	assert.equal(code, 130);
	await other.close();
});

test('wrong settings: status 2, and a word on what is right', () => {
	for (const [args, says] of [[['--workers=x'], 'from 0 to 256'], [['--queue', '0'], 'from 1 to'], [['--nope'], '--nope'],
		[['frob'], 'frob'], [['--role=x'], 'all|api|worker'], [['--listen'], 'needs a value'], [['migrate', 'x'], 'migrate']]) {
		const { status, stderr } = spawnSync(binary, args, { encoding: 'utf8', timeout: 10000 });
		assert.equal(status, 2, args.join(' '));
		assert.ok(stderr.includes(says), stderr);
	}
	for (const listen of ['nonsense', '1.2.3.4:99999', server.url.slice(7)]) {
		const child = spawnSync(binary, ['--listen', listen, '--database', 'sqlite::memory:'],
			{ encoding: 'utf8', timeout: 10000 });
		assert.equal(child.status, 1, child.stderr);
		assert.match(child.stderr, /listen/);
	}
});

test('token create prints a secret that works', async () => {
	const { status, stdout } = spawnSync(binary, ['token', 'create', '--admin', '--database', server.database],
		{ encoding: 'utf8', timeout: 10000 });
	assert.equal(status, 0);
	assert.match(stdout, /^cairn_[\w-]{43}\n$/);
	const answer = await server.request('GET', '/v1/teams', undefined,
		{ headers: { authorization: `Bearer ${stdout.trim()}` } });
	assert.equal(answer.status, 200);
});
