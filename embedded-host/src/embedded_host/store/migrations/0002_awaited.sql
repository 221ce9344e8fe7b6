-- What waits since before is listed as waiting for an event from its next turn on.
CREATE TABLE awaited (
    instance INTEGER NOT NULL,
    kind     TEXT NOT NULL,
    name     TEXT NOT NULL,
    PRIMARY KEY (instance, kind, name)
) WITHOUT ROWID;
