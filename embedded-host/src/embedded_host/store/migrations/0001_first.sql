-- Version 1. Released files have it: it does not change any more; schema.sql is what a new file has, and says what it means.

CREATE TABLE instances (
    key           INTEGER PRIMARY KEY,
    hub           TEXT NOT NULL COLLATE NOCASE,
    id            TEXT NOT NULL,
    name          TEXT NOT NULL,
    status        TEXT NOT NULL,
    created       INTEGER NOT NULL,
    updated       INTEGER NOT NULL,
    execution_id  TEXT NOT NULL,
    generation    INTEGER,
    parent        TEXT,
    continued     INTEGER NOT NULL DEFAULT 0,
    custom_status TEXT,
    output        TEXT,
    UNIQUE (hub, id)
);
CREATE INDEX instances_by_status ON instances (hub, status, id);
CREATE INDEX instances_by_creation ON instances (hub, created);

CREATE TABLE inputs (
    instance INTEGER PRIMARY KEY,
    input    TEXT NOT NULL
);

CREATE TABLE history (
    instance INTEGER NOT NULL,
    turn     INTEGER NOT NULL,
    events   TEXT NOT NULL,
    PRIMARY KEY (instance, turn)
) WITHOUT ROWID;

CREATE TABLE messages (
    instance     INTEGER NOT NULL,
    id           INTEGER NOT NULL,
    execution_id TEXT,
    due          INTEGER,
    event        TEXT NOT NULL,
    PRIMARY KEY (instance, id)
) WITHOUT ROWID;

CREATE TABLE activities (
    instance     INTEGER NOT NULL,
    id           INTEGER NOT NULL,
    execution_id TEXT NOT NULL,
    task_id      INTEGER NOT NULL,
    name         TEXT NOT NULL,
    input        TEXT NOT NULL,
    PRIMARY KEY (instance, id)
) WITHOUT ROWID;

CREATE TABLE entities (
    instance   INTEGER PRIMARY KEY,
    has_state  INTEGER NOT NULL,
    state      TEXT
);

CREATE TABLE timers (
    hub      TEXT NOT NULL COLLATE NOCASE,
    function TEXT NOT NULL COLLATE NOCASE,
    last     INTEGER,
    next     INTEGER,
    updated  INTEGER NOT NULL,
    PRIMARY KEY (hub, function)
) WITHOUT ROWID;
