-- Artifacts and logs of trials, in chunk rows.

CREATE TABLE artifacts (
	experiment TEXT NOT NULL,
	trial BIGINT NOT NULL,
	name TEXT NOT NULL,
	content_type TEXT NOT NULL,
	size BIGINT NOT NULL,
	sha256 TEXT NOT NULL, -- hex
	updated_ms BIGINT NOT NULL,
	PRIMARY KEY (experiment, trial, name),
	FOREIGN KEY (experiment, trial) REFERENCES trials (experiment, number) ON DELETE CASCADE
);
--pg ALTER TABLE artifacts ALTER COLUMN name TYPE TEXT COLLATE "C";

CREATE TABLE artifact_chunks (
	experiment TEXT NOT NULL,
	trial BIGINT NOT NULL,
	name TEXT NOT NULL,
	chunk BIGINT NOT NULL, -- 0, 1, ...: all but the last of the same size
	data BYTEA NOT NULL,
	PRIMARY KEY (experiment, trial, name, chunk),
	FOREIGN KEY (experiment, trial, name) REFERENCES artifacts (experiment, trial, name)
		ON DELETE CASCADE
);
--pg ALTER TABLE artifact_chunks ALTER COLUMN name TYPE TEXT COLLATE "C";

CREATE TABLE log_chunks (
	experiment TEXT NOT NULL,
	trial BIGINT NOT NULL,
	start BIGINT NOT NULL, -- offset of its first byte; the chunks leave no gap
	size BIGINT NOT NULL,
	data BYTEA NOT NULL,
	PRIMARY KEY (experiment, trial, start),
	FOREIGN KEY (experiment, trial) REFERENCES trials (experiment, number) ON DELETE CASCADE
);
-- Compressed already, or binary: do not try again.
--pg ALTER TABLE artifact_chunks ALTER COLUMN data SET STORAGE EXTERNAL;
