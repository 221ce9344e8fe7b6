"""The app under load for SDK 2.x: the functions of ``load_app``, with locks of entities."""

from __future__ import annotations

from pathlib import Path

from tests.support.app_folder import AppFolder

_APP = '''\
import os
import time
from datetime import timedelta

import azure.durable_functions as df
import azure.functions as func
from durabletask import task
from durabletask.entities import DurableEntity, EntityInstanceId

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
orchestrator = app.orchestration_trigger(context_name="ctx")
RUN_LOG = {run_log!r}
REPAIRED = {repaired!r}


@app.activity_trigger(input_name="value")
def Step(value):
    label, seconds = value
    run = os.urandom(6).hex()
    # With O_APPEND each write is one line, also if several processes write.
    descriptor = os.open(RUN_LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, (label + " " + run + "\\n").encode())
    os.fsync(descriptor)
    os.close(descriptor)
    time.sleep(seconds)
    return label + "#" + run


@app.activity_trigger(input_name="value")
def Flaky(value):
    if not os.path.exists(os.path.join(REPAIRED, value.replace("/", "."))):
        raise ValueError("not yet repaired")
    return value


@app.entity_trigger(context_name="ctx")
class Tally(DurableEntity):
    """The state has the number of additions by token."""

    def add(self, token=None):
        seen = self.get_state(dict, {{}})
        seen[token] = seen.get(token, 0) + 1
        self.set_state(seen)

    def count(self, _=None):
        return sum(self.get_state(dict, {{}}).values())


@app.entity_trigger(context_name="ctx")
class Book(DurableEntity):
    def read(self, _=None):
        return self.get_state(list, [])

    def write(self, entries=None):
        self.set_state(entries)


def step(ctx, token, number, seconds):
    return ctx.call_activity("Step", input=[f"{{token}}/{{number}}", seconds])


@orchestrator
def Chain(ctx, data):
    token, seconds, count = data
    seen = []
    for number in range(count):
        seen.append((yield step(ctx, token, number, seconds)))
    return [token, seen]


@orchestrator
def FanOut(ctx, data):
    token, seconds, count = data
    return [token, (yield task.when_all([step(ctx, token, n, seconds) for n in range(count)]))]


@orchestrator
def Timers(ctx, data):
    token, seconds, count = data
    seen = []
    for number in range(count):
        yield ctx.create_timer(timedelta(seconds=seconds * 10))
        seen.append((yield step(ctx, token, number, 0)))
    return [token, seen]


@orchestrator
def Parent(ctx, data):
    token, seconds, count = data
    children = [
        ctx.call_sub_orchestrator(
            "Chain", input=[child, seconds, 2], instance_id=child
        )
        for child in (f"{{token}}.{{number}}" for number in range(count))
    ]
    return [token, (yield task.when_all(children))]


@orchestrator
def Renewed(ctx, data):
    token, seconds, count, *before = data
    seen = before[0] if before else []
    seen.append((yield step(ctx, token, len(seen), seconds)))
    if len(seen) == count:
        return [token, seen]
    ctx.continue_as_new([token, seconds, count, seen])


@orchestrator
def Collect(ctx, data):
    """Collect all events in order until "done".

    With ``renew``, it continues as new between the events, and no event may be lost.
    """
    token, renew, *before = data
    events, seen = before if before else ([], [])
    while True:
        event = yield ctx.wait_for_external_event("E")
        if event == "done":
            return [token, seen, events]
        events.append(event)
        seen.append((yield step(ctx, token, len(seen), 0)))
        if renew and len(seen) % renew == 0:
            ctx.continue_as_new([token, renew, events, seen], save_events=True)
            return


@orchestrator
def Counting(ctx, data):
    token, seconds, count = data
    tally = EntityInstanceId("Tally", token)
    seen = []
    for number in range(count):
        yield ctx.call_entity(tally, "add", f"{{token}}+{{number}}")
        seen.append((yield step(ctx, token, number, seconds)))
    return [token, seen, (yield ctx.call_entity(tally, "count"))]


@orchestrator
def Signalling(ctx, data):
    token, seconds, count = data
    tally = EntityInstanceId("Tally", token)
    seen = []
    for number in range(count):
        ctx.signal_entity(tally, "add", f"{{token}}+{{number}}")
        seen.append((yield step(ctx, token, number, seconds)))
    return [token, seen]


@orchestrator
def Section(ctx, data):
    """Add entries to two books while both are locked.

    Two instances in the section at the same time would overwrite each other's entries.
    """
    token, seconds, count, group = data
    books = [EntityInstanceId("Book", group), EntityInstanceId("Book", f"{{group}}.copy")]
    seen = []
    for number in range(count):
        with (yield ctx.lock_entities(books)):
            entries = yield ctx.call_entity(books[0], "read")
            seen.append((yield step(ctx, token, number, seconds)))
            for book in books:
                yield ctx.call_entity(book, "write", [*entries, f"{{token}}+{{number}}"])
    return [token, seen]


@orchestrator
def Forever(ctx, data):
    token, seconds, count = data
    yield step(ctx, token, 0, seconds)
    yield ctx.wait_for_external_event("never")


@orchestrator
def Fragile(ctx, data):
    token, seconds, count = data
    seen = [(yield step(ctx, token, 0, seconds))]
    yield ctx.call_activity("Flaky", input=token)
    seen.append((yield step(ctx, token, 1, seconds)))
    return [token, seen]


@orchestrator
def FragileParent(ctx, data):
    token, seconds, count = data
    child = yield ctx.call_sub_orchestrator(
        "Fragile", input=[token, seconds, count], instance_id=f"{{token}}.0"
    )
    return [token, [child]]
'''


def write_functions(app: AppFolder, run_log: Path, repaired: Path) -> None:
    """Write the functions of the app."""
    app.write("function_app.py", _APP.format(run_log=str(run_log), repaired=str(repaired)))
