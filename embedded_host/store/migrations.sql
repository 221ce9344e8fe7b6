-- What makes a state of an older version one of today: a part for each version that it leaves. schema.sql is what a new state
-- has; the two must come to the same.

-- from: 1
-- What waits since before is listed as waiting for an event from its next turn on.
CREATE TABLE awaited (
    instance INTEGER NOT NULL,
    kind     TEXT NOT NULL,
    name     TEXT NOT NULL,
    PRIMARY KEY (instance, kind, name)
) WITHOUT ROWID;
