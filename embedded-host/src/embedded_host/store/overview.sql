-- Named queries of overview.py. Each query starts with a line "-- name: NAME".

-- name: instance_of
SELECT key, id, name, status, created, updated, execution_id, parent, custom_status, output,
       executions, first_created, (SELECT input FROM inputs WHERE instance = key)
FROM instances WHERE hub = ? AND id = ?;
-- name: input_of
SELECT input FROM inputs WHERE instance = ?;
-- name: is_entity
SELECT 1 FROM entities WHERE instance = ?;
-- name: turns_of
SELECT count(*), coalesce(max(CASE turn WHEN 0 THEN length(events) END), 0)
FROM history WHERE instance = ?;
-- name: history_of
SELECT h.events, i.input FROM history h LEFT JOIN inputs i ON i.instance = h.instance AND h.turn = 0
WHERE h.instance = ? ORDER BY h.turn;
-- name: fingerprint_of
SELECT i.key, i.status, i.updated, i.execution_id,
       (SELECT count(*) FROM history h WHERE h.instance = i.key),
       (SELECT count(*) FROM messages m WHERE m.instance = i.key),
       (SELECT count(*) FROM activities a WHERE a.instance = i.key)
FROM instances i WHERE i.hub = ? AND i.id = ?;
-- name: orchestrators
-- The number of instances of each name, and the newest instance of that name.
SELECT name, count(*), max(created), key FROM instances NOT INDEXED
WHERE hub = ? AND key NOT IN (SELECT instance FROM entities) GROUP BY name;
-- name: newest_instances
SELECT key, name FROM instances WHERE hub = ? ORDER BY created DESC LIMIT ?;
-- name: history_sizes
SELECT coalesce(sum(length(events)), 0) FROM history WHERE instance = ?;
-- name: creation_range
SELECT min(created), max(created) FROM instances WHERE hub = ?;
-- name: awaited_events
SELECT DISTINCT 'event ' || awaited.name FROM awaited JOIN instances ON key = instance
WHERE kind = 'event' AND hub = ? ORDER BY 1 LIMIT ?;
-- name: entity_names
SELECT DISTINCT name FROM instances WHERE hub = ? AND key IN (SELECT instance FROM entities)
ORDER BY name;
