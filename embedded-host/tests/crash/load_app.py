"""The app under load. The ``token`` of the request identifies each instance and its activities.

The result of an activity contains the id of its run (``label#run``). The activity writes the run to
the run log and syncs the file before it returns. The checker can therefore verify that each result
in a history comes from a real run, and that no other history contains the result.
"""

from __future__ import annotations

from pathlib import Path

from tests.crash import load_app_2x
from tests.support.app_folder import AppFolder
from tests.support.sdk2 import uses_sdk_2

RUN_LOG = "runs"
"""Name of the run log beside the app folder. Each run of an activity adds ``label run`` to it."""
REPAIRED = "repaired"
"""Name of a folder beside the app folder. A file in it makes the activity Flaky succeed."""

# With O_APPEND each write is one line, also if several processes write.
_STEP = """
    import os, time
    label, seconds = value
    run = os.urandom(6).hex()
    descriptor = os.open({run_log!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, (label + " " + run + "\\n").encode())
    os.fsync(descriptor)
    os.close(descriptor)
    time.sleep(seconds)
    return label + "#" + run
    """

_FLAKY = """
    import os
    if not os.path.exists(os.path.join({repaired!r}, value.replace("/", "."))):
        raise ValueError("not yet repaired")
    return value
    """

_ORCHESTRATORS = {
    "Chain": """
        token, seconds, count = context.get_input()
        seen = []
        for number in range(count):
            seen.append((yield context.call_activity("Step", [f"{token}/{number}", seconds])))
        return [token, seen]
        """,
    "FanOut": """
        token, seconds, count = context.get_input()
        steps = [
            context.call_activity("Step", [f"{token}/{number}", seconds])
            for number in range(count)
        ]
        return [token, (yield context.task_all(steps))]
        """,
    "Timers": """
        token, seconds, count = context.get_input()
        seen = []
        for number in range(count):
            delay = timedelta(seconds=seconds * 10)
            yield context.create_timer(context.current_utc_datetime + delay)
            seen.append((yield context.call_activity("Step", [f"{token}/{number}", 0])))
        return [token, seen]
        """,
    "Parent": """
        token, seconds, count = context.get_input()
        children = [
            context.call_sub_orchestrator(
                "Chain", [f"{token}.{number}", seconds, 2], f"{token}.{number}"
            )
            for number in range(count)
        ]
        return [token, (yield context.task_all(children))]
        """,
    "Renewed": """
        token, seconds, count, *before = context.get_input()
        seen = before[0] if before else []
        seen.append((yield context.call_activity("Step", [f"{token}/{len(seen)}", seconds])))
        if len(seen) == count:
            return [token, seen]
        context.continue_as_new([token, seconds, count, seen])
        """,
    # Collects all events in order until "done". With ``renew``, it continues as new between the
    # events, and no event may be lost.
    "Collect": """
        token, renew, *before = context.get_input()
        events, seen = before if before else ([], [])
        while True:
            event = yield context.wait_for_external_event("E")
            if event == "done":
                return [token, seen, events]
            events.append(event)
            seen.append((yield context.call_activity("Step", [f"{token}/{len(seen)}", 0])))
            if renew and len(seen) % renew == 0:
                context.continue_as_new([token, renew, events, seen])
                return
        """,
    "Counting": """
        token, seconds, count = context.get_input()
        tally = df.EntityId("Tally", token)
        seen = []
        for number in range(count):
            yield context.call_entity(tally, "add", f"{token}+{number}")
            seen.append((yield context.call_activity("Step", [f"{token}/{number}", seconds])))
        return [token, seen, (yield context.call_entity(tally, "count"))]
        """,
    "Signalling": """
        token, seconds, count = context.get_input()
        tally = df.EntityId("Tally", token)
        seen = []
        for number in range(count):
            context.signal_entity(tally, "add", f"{token}+{number}")
            seen.append((yield context.call_activity("Step", [f"{token}/{number}", seconds])))
        return [token, seen]
        """,
    # The Python SDK has no critical sections, so an entity is the lock. Two instances in the
    # section at the same time would overwrite each other's entries.
    "Section": """
        token, seconds, count, group = context.get_input()
        gate, book = df.EntityId("Gate", group), df.EntityId("Book", group)
        seen = []
        for number in range(count):
            while not (yield context.call_entity(gate, "enter", token)):
                yield context.create_timer(context.current_utc_datetime + timedelta(seconds=0.15))
            entries = yield context.call_entity(book, "read")
            seen.append((yield context.call_activity("Step", [f"{token}/{number}", seconds])))
            yield context.call_entity(book, "write", entries + [f"{token}+{number}"])
            yield context.call_entity(gate, "leave", token)
        return [token, seen]
        """,
    "Forever": """
        token, seconds, count = context.get_input()
        yield context.call_activity("Step", [f"{token}/0", seconds])
        yield context.wait_for_external_event("never")
        """,
    "Fragile": """
        token, seconds, count = context.get_input()
        seen = [(yield context.call_activity("Step", [f"{token}/0", seconds]))]
        yield context.call_activity("Flaky", token)
        seen.append((yield context.call_activity("Step", [f"{token}/1", seconds])))
        return [token, seen]
        """,
    "FragileParent": """
        token, seconds, count = context.get_input()
        input = [token, seconds, count]
        child = yield context.call_sub_orchestrator("Fragile", input, f"{token}.0")
        return [token, [child]]
        """,
}

_ENTITIES = {
    # The state has the number of additions by token.
    "Tally": """
        seen = context.get_state(dict)
        if context.operation_name == "add":
            token = context.get_input()
            seen[token] = seen.get(token, 0) + 1
        context.set_result(sum(seen.values()))
        context.set_state(seen)
        """,
    "Gate": """
        owner = context.get_state(str)
        token = context.get_input()
        if context.operation_name == "enter":
            context.set_result(owner in ("", token))
            owner = owner or token
        else:
            context.set_result(owner == token)
            owner = "" if owner == token else owner
        context.set_state(owner)
        """,
    "Book": """
        entries = context.get_state(list)
        if context.operation_name == "write":
            entries = context.get_input()
        context.set_result(entries)
        context.set_state(entries)
        """,
}


def load_app(folder: Path) -> AppFolder:
    """Create the app in ``folder``/app."""
    app = AppFolder(folder / "app", hub="Crash")
    (folder / REPAIRED).mkdir(exist_ok=True)
    if uses_sdk_2():
        load_app_2x.write_functions(app, folder / RUN_LOG, folder / REPAIRED)
        return app
    app.activity("Step", _STEP.format(run_log=str(folder / RUN_LOG)))
    app.activity("Flaky", _FLAKY.format(repaired=str(folder / REPAIRED)))
    for name, body in _ENTITIES.items():
        app.entity(name, body)
    for name, body in _ORCHESTRATORS.items():
        app.orchestrator(name, body)
    return app


def repair(folder: Path, token: str) -> None:
    """Make the activity Flaky of this token succeed."""
    (folder / REPAIRED / token.replace("/", ".")).touch()
