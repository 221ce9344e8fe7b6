-- The schema of a state file, which contains all task hubs. Times are whole microseconds since
-- 1970-01-01 UTC. Increase SCHEMA_VERSION in schema.py with each change of this file.

-- Orchestration instances and entities (id "@name@key"). Every turn rewrites the row of its
-- instance, so large values that do not change are in other tables.
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
    parent        TEXT,              -- JSON of the ParentInstance of its ExecutionStarted
    continued     INTEGER NOT NULL DEFAULT 0,
    protocol      INTEGER NOT NULL DEFAULT 1, -- version of the SDK's protocol
    custom_status TEXT,
    output        TEXT,
    tags          TEXT,              -- JSON object of the tags, or NULL without tags
    executions    INTEGER NOT NULL DEFAULT 1, -- each continue-as-new adds one
    first_created INTEGER,           -- creation time of the first execution if it is not "created"
    parent_id     TEXT,              -- the instance id in "parent"
    UNIQUE (hub, id)
);
CREATE INDEX instances_by_status ON instances (hub, status, id);
CREATE INDEX instances_by_creation ON instances (hub, created);
-- Only sub-orchestrations have an entry, and a turn does not change it.
CREATE INDEX instances_by_parent ON instances (hub, parent_id) WHERE parent_id IS NOT NULL;

CREATE TABLE inputs (
    instance INTEGER PRIMARY KEY,
    input    TEXT NOT NULL
);

-- One row for each turn, with the JSON array of its events. Rows are never updated.
CREATE TABLE history (
    instance INTEGER NOT NULL,
    turn     INTEGER NOT NULL,
    events   TEXT NOT NULL,
    PRIMARY KEY (instance, turn)
) WITHOUT ROWID;

-- Messages in the inboxes. A message with a due time (a timer or a scheduled signal) is delivered
-- at that time.
CREATE TABLE messages (
    instance     INTEGER NOT NULL,
    id           INTEGER NOT NULL,
    execution_id TEXT,
    due          INTEGER,
    event        TEXT NOT NULL,
    PRIMARY KEY (instance, id)
) WITHOUT ROWID;                     -- one B-tree without an index: a commit writes fewer pages

-- Scheduled activities without a result. After a crash of the host they run again.
CREATE TABLE activities (
    instance     INTEGER NOT NULL,
    id           INTEGER NOT NULL,
    execution_id TEXT NOT NULL,
    task_id      INTEGER NOT NULL,
    name         TEXT NOT NULL,
    input        TEXT NOT NULL,
    PRIMARY KEY (instance, id)
) WITHOUT ROWID;

-- External events and entity responses that an orchestration waits for, and received events that
-- it has not waited for. No other row shows them. The rows are for reports only: a turn determines
-- its waits by a replay.
CREATE TABLE awaited (
    instance INTEGER NOT NULL,
    kind     TEXT NOT NULL,          -- "event", "entity" or "undelivered"
    name     TEXT NOT NULL,          -- name of the event or id of the entity
    PRIMARY KEY (instance, kind, name)
) WITHOUT ROWID;

CREATE TABLE entities (
    instance   INTEGER PRIMARY KEY,
    has_state  INTEGER NOT NULL,
    state      TEXT,
    locked_by  TEXT                  -- id of the orchestration that has locked the entity
);
CREATE INDEX entities_by_lock ON entities (locked_by) WHERE locked_by IS NOT NULL;

-- Timer functions: the times of the last and the next run. "updated" is the time at which "next"
-- was computed.
CREATE TABLE timers (
    hub      TEXT NOT NULL COLLATE NOCASE,
    function TEXT NOT NULL COLLATE NOCASE,
    last     INTEGER,
    next     INTEGER,
    updated  INTEGER NOT NULL,
    PRIMARY KEY (hub, function)
) WITHOUT ROWID;
