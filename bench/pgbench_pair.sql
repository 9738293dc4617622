-- One suggest and one observe: two transactions, each an event, a trial and the experiment's counters.
\set e random(1, :experiments)
SELECT nextval('b_number') AS n \gset
BEGIN;
UPDATE b_experiments SET version = version + 1, running = running + 1, updated = 1700000000000 WHERE id = :e;
INSERT INTO b_events VALUES (:e, 2 * :n, 'suggested', :n, 1700000000000, '{"parameters":{"x":0.123456789,"y":0.987654321}}');
INSERT INTO b_trials VALUES (:e, :n, 'running', '{"x":0.123456789,"y":0.987654321}', NULL, 1700000000000);
COMMIT;
BEGIN;
UPDATE b_experiments SET version = version + 1, running = running - 1, ended = ended + 1, updated = 1700000000000 WHERE id = :e;
INSERT INTO b_events VALUES (:e, 2 * :n + 1, 'observed', :n, 1700000000000, '{"metrics":{"default":0.5}}');
UPDATE b_trials SET state = 'succeeded', value = 0.5, lease = 0 WHERE experiment = :e AND number = :n;
COMMIT;
