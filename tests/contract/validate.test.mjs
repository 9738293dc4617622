// The validator itself: it must find what is wrong, or it proves nothing.
import assert from "node:assert/strict";
import { test } from "node:test";

import { findOperation, validate } from "./validate.mjs";

const json = { "Content-Type": "application/json" };
const problem = { "Content-Type": "application/problem+json" };

test("a good answer has no faults", () => {
	assert.deepEqual(validate("GET", "/healthz", 200, json, '{"status":"ok"}'), []);
});

test("a wrong value, an unknown member and a missing one are found", () => {
	assert.notDeepEqual(validate("GET", "/healthz", 200, json, '{"status":"bad"}'), []);
	assert.notDeepEqual(validate("GET", "/healthz", 200, json, '{"status":"ok","x":1}'), []);
	assert.notDeepEqual(validate("GET", "/healthz", 200, json, "{}"), []);
});

test("members of an allOf are not unknown, others are", () => {
	const token = {
		id: "tok_1", team: "a", name: "b", scopes: ["read"], instance_admin: false,
		created_at: "2026-01-31T09:30:00.000Z", expires_at: null, last_used_at: null,
	};
	const page = (item) => JSON.stringify({ items: [item], next_cursor: null });
	assert.deepEqual(validate("GET", "/v1/tokens?limit=1", 200, json, page(token)), []);
	assert.notDeepEqual(
		validate("GET", "/v1/tokens", 200, json, page({ ...token, secret: "s" })), []);
	assert.notDeepEqual(
		validate("GET", "/v1/tokens", 200, json, page({ ...token, created_at: "today" })), []);
});

test("undeclared statuses and content types are found", () => {
	assert.notDeepEqual(validate("GET", "/healthz", 418, json, "{}"), []);
	assert.notDeepEqual(validate("GET", "/healthz", 200, { "Content-Type": "text/csv" }, "x"), []);
	assert.notDeepEqual(validate("GET", "/nowhere", 200, json, "{}"), []);
	assert.deepEqual(validate("GET", "/nowhere", 404, problem, "{}"), []);
});

test("problems are checked", () => {
	const body = { type: "/docs/problems#forbidden", title: "Not allowed", status: 403, detail: "x" };
	assert.deepEqual(validate("GET", "/v1/teams", 403, problem, JSON.stringify(body)), []);
	assert.notDeepEqual(validate("GET", "/v1/teams", 403, problem, '{"title":"x"}'), []);
});

test("headers are checked", () => {
	const body = JSON.stringify({ type: "/x", title: "x", status: 429, detail: "x" });
	const headers = { ...problem, "Retry-After": "3" };
	assert.deepEqual(validate("GET", "/v1/teams", 429, headers, body), []);
	assert.notDeepEqual(
		validate("GET", "/v1/teams", 429, { ...headers, "Retry-After": "soon" }, body), []);
});

test("a literal segment wins over a placeholder", () => {
	assert.equal(findOperation("GET", "/v1/teams").operation.operationId, "listTeams");
	assert.equal(findOperation("HEAD", "/v1/teams/a").operation.operationId, "getTeam");
	assert.equal(findOperation("GET", "/v1/teams/a/quota").operation.operationId, "getQuota");
	assert.equal(findOperation("GET", "/v1/teams/a/b/c"), undefined);
});
