-- Experiments, their logs and the projections of the logs.

CREATE TABLE experiments (
	id TEXT NOT NULL PRIMARY KEY,
	team TEXT NOT NULL REFERENCES teams (id),
	name TEXT NOT NULL,
	name_key TEXT NOT NULL, -- the name without regard to case: filters and sorting
	kind TEXT NOT NULL,
	spec TEXT NOT NULL, -- canonical JSON, defaults resolved
	version BIGINT NOT NULL,
	spec_version BIGINT NOT NULL,
	status TEXT NOT NULL,
	reason TEXT NOT NULL,
	n_waiting BIGINT NOT NULL,
	n_running BIGINT NOT NULL,
	n_paused BIGINT NOT NULL,
	n_succeeded BIGINT NOT NULL,
	n_failed BIGINT NOT NULL,
	n_stopped BIGINT NOT NULL,
	n_lost BIGINT NOT NULL,
	n_cancelled BIGINT NOT NULL,
	handed BIGINT NOT NULL,
	seeded BIGINT NOT NULL,
	since_best BIGINT NOT NULL,
	best BIGINT NOT NULL, -- trial number, -1: none
	best_value DOUBLE PRECISION,
	active_ms BIGINT NOT NULL,
	active_since_ms BIGINT NOT NULL, -- 0: not running
	deadline_ms BIGINT, -- when max_duration is used up; NULL: not running, or no limit
	needs_metrics BIGINT NOT NULL, -- 1: a view needs the reports of ended trials
	created_ms BIGINT NOT NULL,
	updated_ms BIGINT NOT NULL -- no index on it: every append would have to change that too
);
-- Counters change with every append: room for it in the page, and no index on what changes.
--pg ALTER TABLE experiments SET (fillfactor = 50);
--pg ALTER TABLE experiments ALTER COLUMN name_key TYPE TEXT COLLATE "C";
--pg ALTER TABLE experiments ALTER COLUMN id TYPE TEXT COLLATE "C";
CREATE INDEX experiments_created ON experiments (created_ms, id);
CREATE INDEX experiments_team_created ON experiments (team, created_ms, id);
CREATE INDEX experiments_team_name ON experiments (team, name_key, id);
CREATE INDEX experiments_deadline ON experiments (deadline_ms) WHERE deadline_ms IS NOT NULL;

CREATE TABLE experiment_labels (
	experiment TEXT NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
	label TEXT NOT NULL,
	label_value TEXT NOT NULL,
	PRIMARY KEY (experiment, label)
);
CREATE INDEX experiment_labels_label ON experiment_labels (label, label_value, experiment);

CREATE TABLE events (
	experiment TEXT NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
	version BIGINT NOT NULL,
	kind TEXT NOT NULL,
	trial BIGINT NOT NULL, -- -1: the experiment itself
	attempt BIGINT NOT NULL,
	step BIGINT NOT NULL, -- -1: none
	at_ms BIGINT NOT NULL,
	body TEXT NOT NULL,
	PRIMARY KEY (experiment, version) -- the fence: who comes second is refused
);
-- Nothing is reported twice, whatever the code above may do; also the way to find a report.
CREATE UNIQUE INDEX events_once ON events (experiment, trial, attempt, kind, step)
	WHERE kind IN ('reported', 'observed', 'failed');

CREATE TABLE trials (
	experiment TEXT NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
	number BIGINT NOT NULL,
	state TEXT NOT NULL,
	origin TEXT NOT NULL,
	attempt BIGINT NOT NULL,
	retries BIGINT NOT NULL,
	parameters TEXT NOT NULL, -- JSON
	objectives BYTEA, -- little-endian doubles in the order of the spec's objectives
	values_json TEXT,
	loss DOUBLE PRECISION,
	violation DOUBLE PRECISION,
	digest BIGINT NOT NULL,
	last_step BIGINT NOT NULL,
	last_value DOUBLE PRECISION,
	parent BIGINT NOT NULL,
	resource DOUBLE PRECISION,
	tag BYTEA,
	meta TEXT,
	checkpoint TEXT,
	worker TEXT,
	message TEXT,
	lease_until_ms BIGINT NOT NULL,
	lease_ms BIGINT NOT NULL,
	created_ms BIGINT NOT NULL,
	started_ms BIGINT NOT NULL,
	ended_ms BIGINT NOT NULL,
	base_version BIGINT NOT NULL,
	suggested_version BIGINT NOT NULL,
	ended_version BIGINT NOT NULL,
	PRIMARY KEY (experiment, number)
);
--pg ALTER TABLE trials SET (fillfactor = 70);
-- Only what is running can run out of its lease.
CREATE INDEX trials_lease ON trials (lease_until_ms) WHERE state = 'running';
CREATE INDEX trials_loss ON trials (experiment, loss, number)
	WHERE state = 'succeeded' AND violation <= 0 AND loss IS NOT NULL;

CREATE TABLE metrics (
	experiment TEXT NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
	trial BIGINT NOT NULL,
	version BIGINT NOT NULL,
	attempt BIGINT NOT NULL,
	step BIGINT NOT NULL,
	at_ms BIGINT NOT NULL,
	late BIGINT NOT NULL, -- 1: stored, not modelled
	value DOUBLE PRECISION, -- of the first objective
	digest BIGINT NOT NULL, -- of all values
	values_json TEXT NOT NULL,
	PRIMARY KEY (experiment, trial, version)
);
CREATE INDEX metrics_version ON metrics (experiment, version);

CREATE TABLE idempotency_keys (
	team TEXT NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
	request_key TEXT NOT NULL,
	digest TEXT NOT NULL, -- of method, path and body
	experiment TEXT REFERENCES experiments (id) ON DELETE CASCADE,
	first_version BIGINT NOT NULL,
	last_version BIGINT NOT NULL,
	answer TEXT,
	status BIGINT NOT NULL,
	created_ms BIGINT NOT NULL,
	PRIMARY KEY (team, request_key)
);
CREATE INDEX idempotency_keys_experiment ON idempotency_keys (experiment)
	WHERE experiment IS NOT NULL;
CREATE INDEX idempotency_keys_created ON idempotency_keys (created_ms);
