// Runs the programs of clients/: out and err grow; ended is the status, or the signal that ended it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, resolve } from 'node:path';

export const cairn = resolve(process.env.CAIRN ?? 'build/dev/cairn');
export const cairnd = resolve(process.env.CAIRND ?? 'build/dev/cairnd');

const children = [];

export function start(args, { env, cwd, program = cairn }) {
	const child = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], env: {
		PATH: `${dirname(cairn)}:${process.env.PATH}`, HOME: cwd, CAIRND: cairnd, ...env } });
	child.out = child.err = '';
	child.stdout.on('data', (data) => { child.out += data; });
	child.stderr.on('data', (data) => { child.err += data; });
	children.push(child);
	child.ended = once(child, 'close').then(([code, signal]) => signal ?? code);
	return child;
}

/** The program that was started, once it has ended with that status. */
export async function ended(child, code) {
	assert.equal(await child.ended, code, `${child.spawnargs.join(' ')}: ${child.out}${child.err}`);
	return child;
}

/** Those of tests that failed. */
export function killAll() {
	children.forEach((child) => child.kill());
}
