-- What tuners have learnt: one model an experiment, the newest. It can always be fitted again from
-- the log, so it goes with its experiment and is part of no export.

CREATE TABLE models (
	experiment TEXT NOT NULL PRIMARY KEY REFERENCES experiments (id) ON DELETE CASCADE,
	version BIGINT NOT NULL, -- of the view it was fitted on
	n_results BIGINT NOT NULL,
	spec_digest BIGINT NOT NULL, -- of what it depends on in the spec: space, objectives, tuner
	fingerprint TEXT NOT NULL, -- of the back end that computed it
	body BYTEA NOT NULL,
	created_ms BIGINT NOT NULL
);
-- Numbers: compressing them costs more than it saves.
--pg ALTER TABLE models ALTER COLUMN body SET STORAGE EXTERNAL;
