// Checks an answer of the server against openapi.yaml: the status is declared, the content type
// is, the body fits the schema, and the declared headers fit theirs.
//
//   import { validate } from "../contract/validate.mjs";
//   const faults = validate("GET", "/v1/experiments/exp_1?limit=3", response.status,
//                           response.headers, await response.text());
//
// faults is a list of sentences, empty when all is well. headers: a Headers object or a plain one.
//
// As a program it reads one exchange per line, {"method","target","status","headers","body"}, from
// standard input, and fails when any has faults.
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

import { document, operations, resolve } from "./openapi.mjs";

const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: true });
addFormats(ajv);
ajv.addSchema(document, "openapi");

// A schema is compiled where it stands, so that its "#/components/..." references hold.
const compiled = new Map();
function validator(pointer) {
	if (!compiled.has(pointer)) compiled.set(pointer, ajv.compile({ $ref: `openapi#${pointer}` }));
	return compiled.get(pointer);
}

const escape = (name) => encodeURIComponent(name.replaceAll("~", "~0").replaceAll("/", "~1"));

// Where a value stands once its $ref is followed, as a pointer.
function locate(pointer, value) {
	while (value && "$ref" in value) {
		pointer = value.$ref.slice(1);
		value = resolve({ $ref: value.$ref });
	}
	return [pointer, value];
}

// Literal segments win over placeholders, as in api/route.c.
const table = operations()
	.map((row) => ({
		...row,
		pattern: new RegExp(
			`^${row.path.replaceAll(/[.*+?^$()|[\]\\]/g, "\\$&").replaceAll(/\{\w+\}/g, "[^/]+")}$`,
		),
		holes: row.path.split("{").length,
	}))
	.sort((a, b) => a.holes - b.holes);

export function findOperation(method, target) {
	const path = target.split("?")[0];
	const served = method === "HEAD" ? "GET" : method;
	return table.find((row) => row.method === served && row.pattern.test(path));
}

const describe = (error) =>
	`${error.instancePath || "/"} ${error.message} ${JSON.stringify(error.params)}`;

function checkBody(response, pointer, type, body) {
	const media = (type ?? "").split(";")[0].trim().toLowerCase();
	const content = response.content ?? {};
	if (!body) return Object.keys(content).length && !media ? ["the body is missing"] : [];
	if (!(media in content)) return [`content type ${media || "none"} is not declared`];
	const json = /[/+]json$/.test(media);
	const lines = /ndjson$/.test(media);
	if (!content[media].schema || !(json || lines)) return [];
	const check = validator(`${pointer}/content/${escape(media)}/schema`);
	const faults = [];
	for (const text of lines ? body.split("\n").filter(Boolean) : [body]) {
		let value;
		try {
			value = JSON.parse(text);
		} catch (error) {
			return [`the body is not JSON: ${error.message}`];
		}
		if (!check(value)) faults.push(...check.errors.map(describe));
	}
	return faults;
}

function checkHeaders(response, pointer, get) {
	return Object.entries(response.headers ?? {}).flatMap(([name, declared]) => {
		const text = get(name);
		const [place, header] = locate(`${pointer}/headers/${escape(name)}`, declared);
		if (text === null || text === undefined)
			return header.required ? [`header ${name} is missing`] : [];
		const number = resolve(header.schema).type === "integer" && /^-?\d+$/.test(text);
		const check = validator(`${place}/schema`);
		return check(number ? Number(text) : text)
			? []
			: check.errors.map((error) => `header ${name}: ${describe(error)}`);
	});
}

export function validate(method, target, status, headers, body) {
	const row = findOperation(method, target);
	const where = `${method} ${target} ${status}`;
	// 404, 405 and OPTIONS of paths that no operation has are not in the file.
	if (!row) return status === 404 || status === 405 || method === "OPTIONS" ? [] : [`${where}: no such operation`];
	const responses = row.operation.responses;
	const name = [String(status), `${Math.trunc(status / 100)}XX`, "default"].find(
		(key) => key in responses,
	);
	if (!name) return [`${where}: the status is not declared`];
	const base = `/paths/${escape(row.path)}/${row.method.toLowerCase()}/responses/${name}`;
	const [pointer, response] = locate(base, responses[name]);
	const lower = new Map(
		Object.entries(headers instanceof Headers ? Object.fromEntries(headers) : headers).map(
			([key, value]) => [key.toLowerCase(), value],
		),
	);
	const get = (key) => lower.get(key.toLowerCase());
	return [
		...(method === "HEAD" ? [] : checkBody(response, pointer, get("content-type"), body)),
		...checkHeaders(response, pointer, get),
	].map((fault) => `${where}: ${fault}`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
	let n = 0;
	let bad = 0;
	for await (const line of createInterface({ input: process.stdin })) {
		if (!line.trim()) continue;
		const x = JSON.parse(line);
		const faults = validate(x.method, x.target, x.status, x.headers, x.body);
		for (const fault of faults) console.log(fault);
		bad += faults.length;
		n++;
	}
	console.log(`${n} answers, ${bad} faults`);
	process.exit(bad || !n ? 1 : 0);
}
