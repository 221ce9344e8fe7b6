-- The state file. One file holds every task hub. Times are whole microseconds since 1970, UTC.
-- A change here is a new version: raise SCHEMA_VERSION in schema.py.

-- An orchestration instance or an entity ("@name@key"). Small, because every turn rewrites the row: what is big and
-- does not change stands elsewhere.
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
    parent        TEXT,              -- ParentInstance of its ExecutionStarted, JSON
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

-- One row for each turn: a JSON array of its events. Appended, never rewritten.
CREATE TABLE history (
    instance INTEGER NOT NULL,
    turn     INTEGER NOT NULL,
    events   TEXT NOT NULL,
    PRIMARY KEY (instance, turn)
) WITHOUT ROWID;

-- Inboxes. A message with a due time (a timer) is delivered then.
CREATE TABLE messages (
    instance     INTEGER NOT NULL,
    id           INTEGER NOT NULL,
    execution_id TEXT,
    due          INTEGER,
    event        TEXT NOT NULL,
    PRIMARY KEY (instance, id)
) WITHOUT ROWID;                     -- one tree and no index: every page that a commit touches is written

-- Activities that are to be run, or were being run when the host died: they are run again.
CREATE TABLE activities (
    instance     INTEGER NOT NULL,
    id           INTEGER NOT NULL,
    execution_id TEXT NOT NULL,
    task_id      INTEGER NOT NULL,
    name         TEXT NOT NULL,
    input        TEXT NOT NULL,
    PRIMARY KEY (instance, id)
) WITHOUT ROWID;

-- What a waiting orchestration waits for that leaves no other row: events, and answers of entities. It tells people; a turn
-- finds it by a replay.
CREATE TABLE awaited (
    instance INTEGER NOT NULL,
    kind     TEXT NOT NULL,          -- event, entity
    name     TEXT NOT NULL,          -- of the event as the orchestrator spells it; the entity's id
    PRIMARY KEY (instance, kind, name)
) WITHOUT ROWID;

CREATE TABLE entities (
    instance   INTEGER PRIMARY KEY,
    has_state  INTEGER NOT NULL,
    state      TEXT
);

-- Functions with a timerTrigger: when each ran last, and when it is to run next as reckoned at "updated".
CREATE TABLE timers (
    hub      TEXT NOT NULL COLLATE NOCASE,
    function TEXT NOT NULL COLLATE NOCASE,
    last     INTEGER,
    next     INTEGER,
    updated  INTEGER NOT NULL,
    PRIMARY KEY (hub, function)
) WITHOUT ROWID;
