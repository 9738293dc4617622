-- The rows of one suggest and one observe, in cairnd's own tables: two transactions, each an event, a trial
-- and the experiment's counters.
\set e random(1, :experiments)
SELECT nextval('bench_number') AS n \gset
BEGIN;
UPDATE experiments SET version = version + 1, n_running = n_running + 1, handed = handed + 1, updated_ms = 1700000000000 WHERE id = 'exp_bench_' || :e;
INSERT INTO events (experiment, version, kind, trial, attempt, step, at_ms, body) VALUES ('exp_bench_' || :e, 2 * :n + 1000, 'suggested', :n, 1, -1, 1700000000000, '{"parameters":{"x":0.123456789,"y":0.987654321},"meta":{"tuner":"random","arm":"default"},"lease_ms":86400000,"base_version":1}');
INSERT INTO trials (experiment, number, state, origin, attempt, retries, parameters, violation, digest, last_step, parent, meta, lease_until_ms, lease_ms, created_ms, started_ms, ended_ms, base_version, suggested_version, ended_version) VALUES ('exp_bench_' || :e, :n, 'running', 'tuner', 1, 0, '{"x":0.123456789,"y":0.987654321}', 0, 0, -1, -1, '{"tuner":"random","arm":"default"}', 1700086400000, 86400000, 1700000000000, 1700000000000, 0, 1, 2, 0);
COMMIT;
BEGIN;
UPDATE experiments SET version = version + 1, n_running = n_running - 1, n_succeeded = n_succeeded + 1, updated_ms = 1700000000000 WHERE id = 'exp_bench_' || :e;
INSERT INTO events (experiment, version, kind, trial, attempt, step, at_ms, body) VALUES ('exp_bench_' || :e, 2 * :n + 1001, 'observed', :n, 1, -1, 1700000000000, '{"metrics":{"default":0.5}}');
UPDATE trials SET state = 'succeeded', objectives = '\x000000000000e03f', values_json = '{"default":0.5}', loss = -0.5, lease_until_ms = 0, ended_ms = 1700000000000, ended_version = 3 WHERE experiment = 'exp_bench_' || :e AND number = :n;
COMMIT;
