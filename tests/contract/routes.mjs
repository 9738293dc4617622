// Compares the route tables of the server (print_routes) with openapi.yaml, both ways: paths,
// methods, operationIds, query arguments, bodies, and whether a token is needed.
//
// usage: node routes.mjs path/to/print_routes
import { execFileSync } from "node:child_process";

let contract;
try {
	contract = await import("./openapi.mjs");
} catch (error) {
	if (error.code !== "ERR_MODULE_NOT_FOUND") throw error;
	console.log("yaml is not installed; run npm ci in tests/contract");
	process.exit(77); // ctest: skipped
}

const key = (row) => `${row.method} ${row.path}`;
const routes = JSON.parse(execFileSync(process.argv[2], { encoding: "utf8" }));
const operations = contract.operations();
const byKey = new Map(operations.map((row) => [key(row), row]));
const faults = [];

function same(where, what, table, file) {
	if (table !== file) faults.push(`${where}: ${what} is ${table} in the table, ${file} in the file`);
}

const names = (list) => [...list].sort().join(" ");

for (const route of routes) {
	const row = byKey.get(key(route));
	if (!row) {
		faults.push(`${key(route)}: missing in openapi.yaml`);
		continue;
	}
	byKey.delete(key(route));
	const at = (place) => row.parameters.filter((p) => p.in === place).map((p) => p.name);
	const body = contract.resolve(row.operation.requestBody);
	const open = row.operation.security?.length === 0;

	same(key(route), "operationId", route.operation, row.operation.operationId);
	same(key(route), "query arguments", names(route.query), names(at("query")));
	same(
		key(route),
		"path arguments",
		names([...route.path.matchAll(/\{(\w+)\}/g)].map((m) => m[1])),
		names(at("path")),
	);
	same(key(route), "a token needed", route.scope !== 0, !open);
	same(key(route), "a body", route.body, Boolean(body));
	if (body && route.json) {
		same(key(route), "a JSON body", true, "application/json" in body.content);
		same(key(route), "a required body", !route.optional, body.required === true);
	}
	if (row.operation.summary === undefined) faults.push(`${key(route)}: has no summary`);
}
for (const where of byKey.keys()) faults.push(`${where}: not served`);
const seen = Object.keys(contract.document.paths);
if (names(seen) !== seen.join(" ")) faults.push("openapi.yaml: paths are not sorted");

for (const fault of faults) console.log(fault);
console.log(`${routes.length} routes, ${operations.length} operations, ${faults.length} faults`);
process.exit(faults.length ? 1 : 0);
