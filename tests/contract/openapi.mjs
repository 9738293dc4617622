// openapi.yaml, read once, with what the checks need of it.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";

const here = dirname(fileURLToPath(import.meta.url));
export const METHODS = ["get", "put", "post", "patch", "delete"];

export const document = parse(readFileSync(join(here, "..", "..", "openapi.yaml"), "utf8"));

// What a {"$ref": "#/..."} stands for; anything else stands for itself.
export function resolve(value) {
	while (value && typeof value === "object" && "$ref" in value) {
		const names = value.$ref.slice(2).split("/");
		value = names.reduce(
			(at, name) => at?.[name.replaceAll("~1", "/").replaceAll("~0", "~")],
			document,
		);
	}
	return value;
}

// [{method, path, operation}], a row per operation.
export function operations() {
	return Object.entries(document.paths).flatMap(([path, item]) =>
		METHODS.filter((method) => item[method]).map((method) => ({
			method: method.toUpperCase(),
			path,
			operation: item[method],
			parameters: [...(item.parameters ?? []), ...(item[method].parameters ?? [])].map(
				resolve,
			),
		})),
	);
}
