-- Named queries of sqlite.py and state_reader.py. Each query starts with a line "-- name: NAME".

-- name: save_instance
INSERT INTO instances (key, hub, id, name, status, created, updated, execution_id, generation,
                       parent, continued, protocol, custom_status, output, tags, parent_id)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE SET
    status = excluded.status, created = excluded.created, updated = excluded.updated,
    execution_id = excluded.execution_id, generation = excluded.generation,
    continued = excluded.continued, protocol = excluded.protocol,
    custom_status = excluded.custom_status, output = excluded.output;
-- name: count_execution
-- Before save_instance stores the next execution after a continue-as-new.
UPDATE instances SET executions = executions + 1, first_created = coalesce(first_created, created)
WHERE key = ? AND execution_id <> ?;

-- name: delete_instance
DELETE FROM instances WHERE key = ?;
-- name: delete_hub_inputs
DELETE FROM inputs WHERE instance IN (SELECT key FROM instances WHERE hub = ?);
-- name: delete_hub_history
DELETE FROM history WHERE instance IN (SELECT key FROM instances WHERE hub = ?);
-- name: delete_hub_messages
DELETE FROM messages WHERE instance IN (SELECT key FROM instances WHERE hub = ?);
-- name: delete_hub_activities
DELETE FROM activities WHERE instance IN (SELECT key FROM instances WHERE hub = ?);
-- name: delete_hub_awaited
DELETE FROM awaited WHERE instance IN (SELECT key FROM instances WHERE hub = ?);
-- name: delete_hub_entities
DELETE FROM entities WHERE instance IN (SELECT key FROM instances WHERE hub = ?);
-- name: delete_hub_timers
DELETE FROM timers WHERE hub = ?;
-- name: delete_hub_instances
DELETE FROM instances WHERE hub = ?;
-- name: set_input
INSERT INTO inputs (instance, input) VALUES (?, ?)
ON CONFLICT (instance) DO UPDATE SET input = excluded.input;
-- name: delete_input
DELETE FROM inputs WHERE instance = ?;
-- name: append_history
INSERT INTO history (instance, turn, events) VALUES (?, ?, ?);
-- name: delete_history
DELETE FROM history WHERE instance = ?;
-- name: put_message
INSERT INTO messages (id, instance, execution_id, due, event) VALUES (?, ?, ?, ?, ?);
-- name: take_message
DELETE FROM messages WHERE instance = ? AND id = ?;
-- name: delete_messages
DELETE FROM messages WHERE instance = ?;
-- name: put_activity
INSERT INTO activities (id, instance, execution_id, task_id, name, input) VALUES (?, ?, ?, ?, ?, ?);
-- name: delete_pending_messages
DELETE FROM messages WHERE instance = ? AND execution_id = ?;
-- name: delete_pending_activities
DELETE FROM activities WHERE instance = ? AND execution_id = ?;
-- name: take_activity
DELETE FROM activities WHERE instance = ? AND id = ?;
-- name: delete_activities
DELETE FROM activities WHERE instance = ?;
-- name: put_awaited
INSERT INTO awaited (instance, kind, name) VALUES (?, ?, ?);
-- name: delete_awaited
DELETE FROM awaited WHERE instance = ?;
-- name: save_entity
INSERT INTO entities (instance, has_state, state, locked_by) VALUES (?, ?, ?, ?)
ON CONFLICT (instance) DO UPDATE SET
    has_state = excluded.has_state, state = excluded.state, locked_by = excluded.locked_by;
-- name: delete_entity
DELETE FROM entities WHERE instance = ?;
-- name: save_timer
INSERT INTO timers (hub, function, last, next, updated) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (hub, function) DO UPDATE SET
    last = excluded.last, next = excluded.next, updated = excluded.updated;

-- name: instance_by_id
SELECT key, hub, id, name, status, created, updated, execution_id, generation, parent,
       continued, protocol, custom_status, output, tags
FROM instances WHERE hub = ? AND id = ?;
-- name: input_of
SELECT input FROM inputs WHERE instance = ?;
-- name: history_of
SELECT h.events, i.input FROM history h LEFT JOIN inputs i ON i.instance = h.instance AND h.turn = 0
WHERE h.instance = ? ORDER BY h.turn;
-- name: id_of
SELECT id FROM instances WHERE key = ?;
-- name: awaited_of
SELECT kind, name FROM awaited WHERE instance = ?;
-- name: entity_of
SELECT has_state, state, locked_by FROM entities WHERE instance = ?;
-- name: locked_entities
SELECT e.instance, i.id, e.locked_by FROM entities e JOIN instances i ON i.key = e.instance
WHERE e.locked_by IS NOT NULL AND i.hub = ? ORDER BY i.id;
-- name: timer_of
SELECT hub, function, last, next, updated FROM timers WHERE hub = ? AND function = ?;
-- name: messages_of
SELECT id, instance, execution_id, due, event FROM messages WHERE instance = ? ORDER BY id;
-- name: all_messages
SELECT m.id, m.instance, m.execution_id, m.due, m.event, i.hub, i.id
FROM messages m JOIN instances i ON i.key = m.instance
WHERE m.due IS NULL OR m.due <= ? ORDER BY m.id;
-- name: message
SELECT m.id, m.instance, m.execution_id, m.due, m.event, i.hub, i.id
FROM messages m JOIN instances i ON i.key = m.instance
WHERE m.instance = ? AND m.id = ?;
-- name: due_after
SELECT m.due, m.instance, m.id FROM messages m JOIN instances i ON i.key = m.instance
WHERE i.hub = ? AND m.due > ?;
-- name: all_activities
SELECT a.id, a.instance, a.execution_id, a.task_id, a.name, a.input, i.hub, i.id
FROM activities a JOIN instances i ON i.key = a.instance ORDER BY a.id;
-- name: continued_instances
SELECT hub, id FROM instances WHERE continued = 1;
-- name: hubs
SELECT DISTINCT hub FROM instances ORDER BY hub;
-- name: count
SELECT count(*) FROM instances WHERE hub = coalesce(?1, hub);
-- name: highest_keys
SELECT (SELECT coalesce(max(key), 0) FROM instances),
       (SELECT coalesce(max(id), 0) FROM messages),
       (SELECT coalesce(max(id), 0) FROM activities);
