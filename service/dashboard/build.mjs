// Bundles src/ into one pack (api/asset.h says how it looks): node build.mjs PACK [DIRECTORY]
// With DIRECTORY the files are written there too, to look at. Their names carry a hash of what is in
// them, so that browsers may keep them for ever.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const LIMIT_GZIPPED = 1.5 * 1024 * 1024;
const here = dirname(fileURLToPath(import.meta.url));
const [pack, directory] = process.argv.slice(2);
const types = { js: 'text/javascript; charset=utf-8', css: 'text/css; charset=utf-8', html: 'text/html; charset=utf-8' };

async function bundle(entry, define = {}) {
	const result = await build({
		entryPoints: [join(here, 'src', entry)], bundle: true, minify: true, write: false, outdir: '/', format: 'esm',
		target: ['es2020', 'chrome90', 'firefox90', 'safari15'], jsx: 'automatic', jsxImportSource: 'preact',
		legalComments: 'eof', external: ['/assets/*'], define: { 'process.env.NODE_ENV': '"production"', ...define }, logLevel: 'warning',
	});
	return result.outputFiles.map(({ path, contents }) => {
		const extension = path.slice(path.lastIndexOf('.') + 1);
		const hash = createHash('sha256').update(contents).digest('hex').slice(0, 12);
		return { name: `${entry.replace(/\.\w+$/, '')}-${hash}.${extension}`, extension, contents: Buffer.from(contents) };
	});
}

const worker = await bundle('worker.ts');
const charts = await bundle('charts.ts');
const main = await bundle('main.tsx', {
	WORKER_URL: JSON.stringify(`/assets/${worker[0].name}`), CHARTS_URL: JSON.stringify(`/assets/${charts[0].name}`),
});
const of = (extension) => main.find((file) => file.extension === extension).name;
const page = readFileSync(join(here, 'src', 'index.html'), 'utf8')
	.replace('{{script}}', `/assets/${of('js')}`).replace('{{style}}', `/assets/${of('css')}`);
const files = [{ name: 'index.html', extension: 'html', contents: Buffer.from(page) }, ...main, ...charts, ...worker];

const gzipped = files.reduce((sum, file) => sum + gzipSync(file.contents, { level: 6 }).length, 0);
if (gzipped > LIMIT_GZIPPED) {
	console.error(`the dashboard has ${gzipped} bytes gzipped; ${LIMIT_GZIPPED} at most`);
	process.exit(1);
}
console.log(`dashboard: ${files.length} files, ${(gzipped / 1024).toFixed(0)} KiB gzipped`);
const head = files.map((file) => `${file.contents.length} ${file.name} ${types[file.extension]}\n`).join('');
mkdirSync(dirname(pack), { recursive: true });
writeFileSync(pack, Buffer.concat([Buffer.from(`cairn-pack 1\n${head}\n`), ...files.map((file) => file.contents)]));
if (directory) {
	mkdirSync(directory, { recursive: true });
	for (const file of files)
		writeFileSync(join(directory, file.name), file.contents);
}
