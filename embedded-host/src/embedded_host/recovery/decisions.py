"""What becomes of each instance of a damaged file: kept, Failed because it could not go on, or left out.

An instance that has finished is kept with what there is of it. One that has not is kept only if nothing that it needs can be
missing: it would wait for ever for what is lost. Else it is made Failed, and a parent is told as of any child that failed.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from embedded_host.engine import history as h
from embedded_host.engine.events import encode_event, encode_events
from embedded_host.engine.raw_events import COMPLETIONS, DECISIONS, Event, EventType
from embedded_host.engine.timestamps import utc_text
from embedded_host.recovery.instances import FINAL, Instance, following, id_of, row_from_history, started
from embedded_host.recovery.report import Lost, Report
from embedded_host.recovery.rows import Row
from embedded_host.recovery.salvage import Found, Salvage
from embedded_host.store.epoch import from_micros, micros

_ENDS = (EventType.EXECUTION_COMPLETED, EventType.EXECUTION_TERMINATED)
REASON = "The state file was damaged, and what this instance needs to go on was lost with it"


class Kept(NamedTuple):
    """What goes into the new file, by table; columns as in ``rows.py``."""

    rows: dict[str, list[Row]]
    report: Report


def decide(salvage: Salvage, now: datetime) -> Kept:
    return _Decisions(salvage, now).made()


class _Decisions:
    def __init__(self, salvage: Salvage, now: datetime) -> None:
        self._salvage, self._now = salvage, now
        self.report = Report(problems=list(salvage.problems))
        tables = salvage.tables
        self._inputs = {row[0]: row for row in tables["inputs"].rows.values()}
        self._entities = {row[0]: row for row in tables["entities"].rows.values()}
        self._messages = _by_instance(tables["messages"])
        self._activities = _by_instance(tables["activities"])
        self._turns: dict[int, dict[int, str]] = defaultdict(dict)
        for instance, turn, events in tables["history"].rows.values():
            self._turns[instance][turn] = events
        self._instances: dict[int, Instance] = {}
        self._failed: dict[int, str] = {}
        self._by_id: dict[tuple[str, str], Instance] | None = None
        self._doubtful: set[int] | None = None
        self._next_message = max((row[1] for rows in self._messages.values() for row in rows), default=0) + 1

    def made(self) -> Kept:
        self._take_instances()
        self._take_names()
        self._take_entities()
        self._judge()
        self._tell_of_tables()
        changed = {(lost.hub, lost.id) for lost in (*self.report.incomplete, *self.report.failed)}
        self.report.kept = sum((i.hub, i.id) not in changed for i in self._instances.values())
        return Kept(self._rows(), self.report)

    # -- who is there --------------------------------------------------------------------------------

    def _take_instances(self) -> None:
        found = self._salvage.tables["instances"]
        taken: dict[tuple[str, str], int] = {}
        for key, row in sorted(found.rows.items()):
            named = self._salvage.named.get(row[0])
            if key in found.strays and named is None and self._salvage.names_are_whole:
                continue  # a page out of use: it had been deleted
            who = (row[1].lower(), row[2])
            if who in taken:
                self.report.left_out.append(Lost(row[1], row[2], row[4], "another instance has the same id"))
                continue
            taken[who] = row[0]
            self._instances[row[0]] = self._instance(row)
            if named is not None and (named.hub.lower(), named.id) != who:
                what = f"the table and the index have different ids for it; the index has '{named.id}'"
                self.report.incomplete.append(Lost(row[1], row[2], row[4], what))

    def _instance(self, row: Row) -> Instance:
        turns = self._turns.get(row[0], {})
        return Instance(row, turns, following(turns))

    def _take_names(self) -> None:
        """Instances whose row is lost, put together from their histories where these are whole, else told of by name."""
        hubs = {row.hub for row in self._instances.values()} | {name.hub for name in self._salvage.named.values()}
        only_hub = hubs.pop() if len(hubs) == 1 else None
        keys = {*self._salvage.named, *self._turns, *self._inputs, *self._messages, *self._activities, *self._entities}
        taken = {(i.hub.lower(), i.id) for i in self._instances.values()}
        there = {row[0] for row in self._salvage.tables["instances"].rows.values()}
        for key in sorted(keys - there):
            named = self._salvage.named.get(key)
            hub, id, status = (named.hub, named.id, named.status) if named else (only_hub, None, None)
            if named is None and self._salvage.names_are_whole:
                continue  # nobody's: what a deleted instance has left in a page out of use
            events = following(self._turns.get(key, {}))
            row = row_from_history(key, events, hub, id, status)
            if row is not None and (row[1].lower(), row[2]) not in taken:
                taken.add((row[1].lower(), row[2]))
                self._instances[key] = self._instance(row)
                if row[4] in FINAL:
                    what = "its row was lost and is put together from its history; its custom status is not there"
                    self.report.incomplete.append(Lost(row[1], row[2], row[4], what))
                else:
                    self._failed[key] = "its row is lost"
                continue
            if id is None and (begin := started(events)) is not None:
                id = id_of(begin)
            if hub is not None and (hub.lower(), id) in taken:
                continue
            what = f"its row is lost (its key was {key})"
            if key in self._entities:
                what += f"; its state was {self._entities[key][2]}"
            if named is not None and named.other_id is not None:
                what += f"; another index has it as '{named.other_id}'"
            self.report.left_out.append(Lost(hub, id, status, what))

    def _take_entities(self) -> None:
        for key, instance in list(self._instances.items()):
            # Every entity has a state's row from the beginning, and none has an execution id.
            if key not in self._entities and instance.id.startswith("@") and instance.row[7] == "":
                del self._instances[key]
                lost = Lost(instance.hub, instance.id, instance.status, "an entity whose state is lost")
                self.report.left_out.append(lost)

    # -- who can go on -------------------------------------------------------------------------------

    def _judge(self) -> None:
        for key, instance in self._instances.items():
            if key in self._entities:
                if self._salvage.tables["messages"].may_miss(key):
                    what = "operations that it was sent and had not taken may be lost"
                    self.report.incomplete.append(Lost(instance.hub, instance.id, None, what))
            elif instance.is_final:
                if missing := self._missing_of_finished(instance):
                    self.report.incomplete.append(Lost(instance.hub, instance.id, instance.status, missing))
            elif reason := self._failed.get(key) or self._why_not(instance):
                self._failed[key] = reason
        for key, reason in self._failed.items():
            instance = self._instances[key]
            self.report.failed.append(Lost(instance.hub, instance.id, instance.status, reason))
            self._tell_parent(instance)

    def _missing_of_finished(self, instance: Instance) -> str:
        missing = []
        if not self._is_whole(instance):
            missing.append("a part of its history is lost")
        if self._input_may_miss(instance):
            missing.append("its input, if it had one, is lost")
        return "; ".join(missing)

    def _why_not(self, instance: Instance) -> str | None:
        """Why it cannot go on; None if nothing that it needs can be missing."""
        key, tables = instance.key, self._salvage.tables
        if key in self._strange():
            return "it was found in a page that may be out of date"
        if not self._is_whole(instance):
            return "a part of its history is lost"
        if self._input_may_miss(instance):
            return "its input, if it had one, is lost"
        if tables["messages"].may_miss(key):
            return "messages for it (events, timers, answers) may be lost"
        events = (*instance.events, *map(_event, self._messages.get(key, ())))
        settled = {e[COMPLETIONS[e["EventType"]]] for e in events if e["EventType"] in COMPLETIONS}
        open_decisions = [e for e in instance.events if e["EventType"] in DECISIONS and e["EventId"] not in settled]
        if tables["activities"].may_miss(key):
            queued = {row[3] for row in self._activities.get(key, ())}
            for event in open_decisions:
                if event["EventType"] == EventType.TASK_SCHEDULED and event["EventId"] not in queued:
                    return f"its activity '{event.get('Name')}' is lost"
        return self._lost_partner(instance, open_decisions)

    def _lost_partner(self, instance: Instance, open_decisions: Iterable[Event]) -> str | None:
        answered = {e.get("Name") for e in instance.events if e["EventType"] == EventType.EVENT_RAISED}
        answered |= {_event(row).get("Name") for row in self._messages.get(instance.key, ())}
        for event in open_decisions:
            other = str(event.get("InstanceId"))
            if event["EventType"] == EventType.SUB_ORCHESTRATION_CREATED:
                if self._is_lost(instance.hub, other):
                    return f"its sub-orchestration '{other}' is lost"
            elif event["EventType"] == EventType.EVENT_SENT and other.startswith("@"):
                request = _request(event)
                if request is None or request.get("signal") or request.get("id") in answered:
                    continue
                found = self._find(instance.hub, other)
                if found is None or self._salvage.tables["messages"].may_miss(found.key):
                    return f"the operation '{request.get('op')}' that it called of the entity '{other}' may be lost"
        return None

    def _is_lost(self, hub: str, id: str) -> bool:
        """Where a purge is no explanation: rows of instances are missing."""
        return self._find(hub, id) is None and bool(
            self._salvage.tables["instances"].tree.gaps or self._salvage.tables["instances"].unreadable
        )

    def _find(self, hub: str, id: str) -> Instance | None:
        if self._by_id is None:
            self._by_id = {(i.hub.lower(), i.id): i for i in self._instances.values()}
        return self._by_id.get((hub.lower(), id))

    def _is_whole(self, instance: Instance) -> bool:
        """Its history: turns follow each other, and the last one is that of the row."""
        turns = instance.turns
        if sorted(turns) != list(range(len(turns))):
            return False
        if not self._salvage.tables["history"].may_miss(instance.key):
            return True
        if not instance.events:
            return instance.status == "Pending"
        if instance.is_final and not any(e["EventType"] in _ENDS for e in instance.events):
            return False
        return bool(instance.events[-1]["Timestamp"] == utc_text(from_micros(instance.row[6])))

    def _input_may_miss(self, instance: Instance) -> bool:
        key = instance.key
        if key in self._inputs or not self._salvage.tables["inputs"].may_miss(key):
            return False
        begin = started(instance.events) or started(map(_event, self._messages.get(key, ())))
        if begin is None or instance.row[10]:  # continued: its history is that of the execution before
            return True
        input = begin.get("Input")
        if isinstance(input, str):
            self._inputs[key] = (key, input)
        return not (input is None or isinstance(input, str))  # a long one stands in its own row alone

    def _strange(self) -> set[int]:
        """Instances of which something was found in a page to which nothing leads, while it is not known which are in use."""
        if self._doubtful is None:
            self._doubtful = set()
            if "the list of free pages is damaged" in self._salvage.problems:
                for found in self._salvage.tables.values():
                    at = found.table.columns.index("instance") if "instance" in found.table.columns else 0
                    self._doubtful |= {found.rows[key][at] for key in found.strays if key in found.rows}
        return self._doubtful

    def _tell_parent(self, instance: Instance) -> None:
        """As a child that fails does."""
        if instance.row[9] is None:
            return
        parent = json.loads(instance.row[9])
        found = self._find(instance.hub, parent["OrchestrationInstance"]["InstanceId"])
        if found is None or found.is_final or found.key in self._failed:
            return
        event = h.sub_orchestration_failed(
            self._now, parent["TaskScheduleId"], f"{REASON}: {self._failed[instance.key]}.", None
        )
        text = encode_event(event)
        execution = parent["OrchestrationInstance"].get("ExecutionId")
        self._messages.setdefault(found.key, []).append((found.key, self._next_message, execution, None, text))
        self._next_message += 1

    # -- what is told besides ------------------------------------------------------------------------

    def _tell_of_tables(self) -> None:
        salvage = self._salvage
        for (hub, id), status in salvage.later.items():
            found = self._find(hub, id)
            if found is None:
                lost = Lost(hub, id, status, "it was begun in a commit that is lost with the log")
                self.report.left_out.append(lost)
            elif not found.is_final and found.key not in self._failed:
                what = f"it is as it was before commits that are lost with the log; there it was {status}"
                self.report.incomplete.append(Lost(found.hub, found.id, found.status, what))
        for name, found_table in salvage.tables.items():
            gaps = len(found_table.tree.gaps)
            if gaps and name != "awaited":
                places = "1 place" if gaps == 1 else f"{gaps} places"
                self.report.problems.append(f"the table {name} is damaged in {places}")
        if salvage.tables["instances"].tree.gaps and not salvage.names_are_whole:
            self.report.problems.append(
                "the index that would name all lost instances is damaged too: there may have been others"
            )

    # -- the new file --------------------------------------------------------------------------------

    def _rows(self) -> dict[str, list[Row]]:
        rows: dict[str, list[Row]] = {name: [] for name in self._salvage.tables}
        for key, instance in self._instances.items():
            reason = self._failed.get(key)
            turns = instance.turns
            if reason is None:
                rows["instances"].append(instance.row)
                rows["messages"] += self._messages.get(key, ())
                rows["activities"] += self._activities.get(key, ())
            else:
                text = f"{REASON}: {reason}."
                failed = list(instance.row)
                failed[4], failed[6], failed[10], failed[12] = "Failed", micros(self._now), 0, text
                rows["instances"].append(tuple(failed))
                count = next(n for n in range(len(turns) + 1) if n not in turns)
                turns = {n: turns[n] for n in range(count)}
                turns[count] = encode_events([h.execution_completed(self._now, -1, "Failed", text)])
            rows["history"] += [(key, turn, events) for turn, events in sorted(turns.items())]
            if key in self._inputs:
                rows["inputs"].append(self._inputs[key])
            if key in self._entities:
                rows["entities"].append(self._entities[key])
        awaited = self._salvage.tables.get("awaited")
        if awaited is not None:
            live = {key for key, i in self._instances.items() if not i.is_final and key not in self._failed}
            rows["awaited"] = [row for row in awaited.rows.values() if row[0] in live]
        rows["timers"] = list(self._salvage.tables["timers"].rows.values())
        return rows


def _by_instance(found: Found) -> dict[int, list[Row]]:
    """As ``(instance, id, ...)``, in whatever order the columns stood."""
    swap = found.table.columns[0] == "id"
    by_instance: dict[int, list[Row]] = {}
    for row in found.rows.values():
        made = (row[1], row[0], *row[2:]) if swap else row
        by_instance.setdefault(made[0], []).append(made)
    return by_instance


def _event(row: Row) -> Event:
    event: Event = json.loads(row[4])
    return event


def _request(sent: Event) -> dict[str, Any] | None:
    try:
        request = json.loads(sent["Input"])
    except (KeyError, TypeError, ValueError):
        return None
    return request if isinstance(request, dict) else None
