-- The schema of the file with the log lines of functions. Times are whole microseconds since
-- 1970-01-01 UTC. Increase LOG_SCHEMA_VERSION in log_lines.py with each change of this file.

CREATE TABLE lines (
    id         INTEGER PRIMARY KEY,
    hub        TEXT NOT NULL COLLATE NOCASE,
    time       INTEGER NOT NULL,
    level      INTEGER NOT NULL,       -- number of a level, from 0 (Trace) to 5 (Critical)
    category   TEXT NOT NULL,
    text       TEXT NOT NULL,
    function   TEXT NOT NULL COLLATE NOCASE,
    invocation TEXT NOT NULL,
    instance   TEXT NOT NULL
);
CREATE INDEX lines_by_instance ON lines (instance, id) WHERE instance <> '';
CREATE INDEX lines_by_function ON lines (function, id) WHERE function <> '';
