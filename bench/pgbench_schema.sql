-- Experiments for pgbench_pair.sql beside cairnd's own, in cairnd's own tables: copies of one that exists.
INSERT INTO experiments
SELECT (jsonb_populate_record(s.e, jsonb_build_object('id', 'exp_bench_' || i, 'status', 'done'))).*
FROM (SELECT e FROM experiments e LIMIT 1) s, generate_series(1, 16) i
ON CONFLICT DO NOTHING;
CREATE SEQUENCE IF NOT EXISTS bench_number CACHE 1;
