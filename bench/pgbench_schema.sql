-- The rows that a suggest and an observe write, as cairnd's own tables have them.
DROP TABLE IF EXISTS b_trials, b_events, b_experiments;
DROP SEQUENCE IF EXISTS b_number;
CREATE SEQUENCE b_number CACHE 1;
CREATE TABLE b_experiments (id BIGINT PRIMARY KEY, version BIGINT, running BIGINT, ended BIGINT, updated BIGINT) WITH (fillfactor = 50);
CREATE TABLE b_events (experiment BIGINT REFERENCES b_experiments, version BIGINT, kind TEXT, trial BIGINT, at BIGINT, body TEXT, PRIMARY KEY (experiment, version));
CREATE TABLE b_trials (experiment BIGINT REFERENCES b_experiments, number BIGINT, state TEXT, parameters TEXT, value DOUBLE PRECISION, lease BIGINT, PRIMARY KEY (experiment, number));
INSERT INTO b_experiments SELECT i, 0, 0, 0, 0 FROM generate_series(1, 1024) i;
