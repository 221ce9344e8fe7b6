"""The app that runs while the host is killed. Every function says who it is by its ``token``, which no two requests share.

An activity's result carries the number of its run (``label#run``), and its run stands in the ledger file, synced, before it
answers: so it can be told whether a result that is in a history came from a run that there was, and whether it is there once.
"""

from __future__ import annotations

from pathlib import Path

from tests.support.app_folder import AppFolder

LEDGER = "ledger"
"""Beside the app's folder: one line ``label run`` for each run of an activity."""
REPAIRED = "repaired"
"""Beside the app's folder: a file in it makes the activity Flaky of that label succeed."""

# One write with O_APPEND is one line, whoever else writes.
_STEP = """
    import os, time
    label, seconds = value
    run = os.urandom(6).hex()
    descriptor = os.open({ledger!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
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
        steps = [context.call_activity("Step", [f"{token}/{number}", seconds]) for number in range(count)]
        return [token, (yield context.task_all(steps))]
        """,
    "Timers": """
        token, seconds, count = context.get_input()
        seen = []
        for number in range(count):
            yield context.create_timer(context.current_utc_datetime + timedelta(seconds=seconds * 10))
            seen.append((yield context.call_activity("Step", [f"{token}/{number}", 0])))
        return [token, seen]
        """,
    "Parent": """
        token, seconds, count = context.get_input()
        children = [
            context.call_sub_orchestrator("Chain", [f"{token}.{number}", seconds, 2], f"{token}.{number}")
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
    # All events, in order, until "done". With ``renew`` it continues as new on the way, and no event may get lost by that.
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
    # The Python SDK has no critical sections: one is made of an entity that is a lock. What is read and written under it by two
    # calls would lose entries if two were inside at once, or if a turn took effect twice or never.
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
        return [token, [(yield context.call_sub_orchestrator("Fragile", [token, seconds, count], f"{token}.0"))]]
        """,
}

_ENTITIES = {
    # token -> how often it was added
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
    """The app in ``folder``/app."""
    app = AppFolder(folder / "app", hub="Crash")
    (folder / REPAIRED).mkdir(exist_ok=True)
    app.activity("Step", _STEP.format(ledger=str(folder / LEDGER)))
    app.activity("Flaky", _FLAKY.format(repaired=str(folder / REPAIRED)))
    for name, body in _ENTITIES.items():
        app.entity(name, body)
    for name, body in _ORCHESTRATORS.items():
        app.orchestrator(name, body)
    return app


def repair(folder: Path, token: str) -> None:
    """From now on the activity Flaky of this token succeeds."""
    (folder / REPAIRED / token.replace("/", ".")).touch()
