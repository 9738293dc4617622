// A real Chromium (Debian's) on the dashboard. A page's console errors, its failed requests and requests to
// anywhere else fail the test that made it.
import { createRequire } from 'node:module';
import { accessSync, constants, mkdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import assert from 'node:assert/strict';

const require = createRequire(new URL('../contract/package.json', import.meta.url));

/** The browser's binary: CAIRN_CHROMIUM, or the first in the path; undefined: there is none. */
export function chromiumPath() {
	const names = ['chromium', 'chromium-browser', 'google-chrome'];
	const candidates = process.env.CAIRN_CHROMIUM ? [process.env.CAIRN_CHROMIUM]
		: process.env.PATH.split(delimiter).flatMap((dir) => names.map((name) => join(dir, name)));
	return candidates.find((path) => {
		try {
			accessSync(path, constants.X_OK);
			return true;
		} catch {
			return false;
		}
	});
}

export async function launch() {
	const { chromium } = require('playwright-core');
	// Chromium does not sandbox itself as root, which CI is.
	return chromium.launch({ executablePath: chromiumPath(), args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
}

/**
 * A page of its own context. allow: patterns of console errors that the test provokes (Chromium reports each
 * answer of 4xx). Its check() is called by the test at the end, before close().
 */
export async function openPage(browser, server, { allow = [], ...options } = {}) {
	const context = options.context ?? await browser.newContext({ viewport: { width: 1280, height: 900 }, acceptDownloads: true, ...options });
	const page = await context.newPage();
	const faults = [];
	page.setDefaultTimeout(20000);
	page.on('console', (message) => {
		if (['error', 'warning'].includes(message.type()) && !allow.some((pattern) => pattern.test(`${message.text()} ${message.location().url}`)))
			faults.push(`${message.type()}: ${message.text()} ${message.location().url}`);
	});
	page.on('pageerror', (error) => faults.push(`exception: ${error.stack}`));
	page.on('request', (request) => {
		if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(server.url))
			faults.push(`a request to ${request.url()}`);
	});
	page.at = (hash) => page.goto(`${server.url}/${hash}`);
	page.check = () => assert.deepEqual(faults, []);
	return page;
}

/** axe-core's rules of WCAG 2.1 A and AA over the page as it is. */
export async function accessible(page) {
	const { source } = require('axe-core');
	await page.evaluate(source);
	const { violations } = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'] }));
	assert.deepEqual(violations.map(({ id, help, nodes }) => `${page.url()} ${id}: ${help}: ${nodes.map((node) => node.html.slice(0, 200)).join(' | ')}`), []);
}

/** Kept with the build (CAIRN_SCREENSHOTS), to look at. */
export async function screenshot(page, name) {
	const directory = process.env.CAIRN_SCREENSHOTS;
	if (!directory)
		return;
	mkdirSync(directory, { recursive: true });
	await page.screenshot({ path: join(directory, `${name}.png`), fullPage: true });
}
