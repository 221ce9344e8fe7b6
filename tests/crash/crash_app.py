"""What runs while the host is killed, and what must have come of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.app_folder import AppFolder

# One write with O_APPEND is one line, whoever else writes.
_STEP = """
    import os, time
    name, seconds, file = value
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, (name + "\\n").encode())
    os.close(descriptor)
    time.sleep(seconds)
    return name
    """

_ORCHESTRATORS = {
    "Chain": """
        file, seconds, count = context.get_input()
        seen = []
        for number in range(count):
            step = f"{context.instance_id}/{number}"
            seen.append((yield context.call_activity("Step", [step, seconds, file])))
        return seen
        """,
    "FanOut": """
        file, seconds, count = context.get_input()
        steps = [f"{context.instance_id}/{number}" for number in range(count)]
        return (yield context.task_all([context.call_activity("Step", [step, seconds, file]) for step in steps]))
        """,
    "Timers": """
        file, seconds, count = context.get_input()
        for number in range(count):
            yield context.create_timer(context.current_utc_datetime + timedelta(seconds=seconds * 10))
            yield context.call_activity("Step", [f"{context.instance_id}/{number}", 0, file])
        return count
        """,
    "Events": """
        file, seconds, count = context.get_input()
        seen = []
        for number in range(count):
            seen.append((yield context.wait_for_external_event(f"E{number}")))
            yield context.call_activity("Step", [f"{context.instance_id}/{number}", 0, file])
        return seen
        """,
    "Parent": """
        file, seconds, count = context.get_input()
        children = [
            context.call_sub_orchestrator("Chain", [file, seconds, 2], f"{context.instance_id}-{number}")
            for number in range(count)
        ]
        return (yield context.task_all(children))
        """,
    "Renewed": """
        file, seconds, count, *at = context.get_input()
        number = at[0] if at else 0
        yield context.call_activity("Step", [f"{context.instance_id}/{number}", seconds, file])
        if number + 1 == count:
            return number
        context.continue_as_new([file, seconds, count, number + 1])
        """,
    "Counting": """
        file, seconds, count = context.get_input()
        entity = df.EntityId("Counter", context.instance_id)
        for number in range(count):
            yield context.call_entity(entity, "add", 1)
            yield context.call_activity("Step", [f"{context.instance_id}/{number}", seconds, file])
        return (yield context.call_entity(entity, "get"))
        """,
}

_COUNTER = """\
import azure.durable_functions as df


def entity_function(context: df.DurableEntityContext):
    value = context.get_state(lambda: 0)
    if context.operation_name == "add":
        value += context.get_input()
    context.set_result(value)
    context.set_state(value)


main = df.Entity.create(entity_function)
"""


def crash_app(root: Path) -> AppFolder:
    app = AppFolder(root, hub="Crash")
    app.activity("Step", _STEP)
    entity_trigger = {"name": "context", "type": "entityTrigger", "direction": "in"}
    app.function("Counter", _COUNTER, entity_trigger)
    for name, body in _ORCHESTRATORS.items():
        app.orchestrator(name, body)
    return app


@dataclass
class Planned:
    """An orchestration to be started, and what it must come to."""

    id: str
    name: str
    count: int
    seconds: float
    output: Any = None
    steps: set[str] = field(default_factory=set)
    events: list[tuple[str, Any]] = field(default_factory=list)

    def body(self, file: Path) -> str:
        """As the SDK sends an input: JSON text in a JSON text."""
        return json.dumps(json.dumps([str(file), self.seconds, self.count]))


def plan(number: int, seconds: float) -> Planned:
    """The kinds take turns."""
    name = list(_ORCHESTRATORS)[number % len(_ORCHESTRATORS)]
    planned = Planned(f"{name}-{number}", name, 4 if name in ("Chain", "FanOut", "Renewed") else 3, seconds)
    numbers = range(planned.count)
    steps = [f"{planned.id}/{step}" for step in numbers]
    outputs: dict[str, Callable[[], Any]] = {
        "Chain": lambda: steps,
        "FanOut": lambda: steps,
        "Timers": lambda: planned.count,
        "Events": lambda: [{"event": step} for step in numbers],
        "Parent": lambda: [[f"{planned.id}-{child}/{step}" for step in range(2)] for child in numbers],
        "Renewed": lambda: planned.count - 1,
        "Counting": lambda: planned.count,
    }
    planned.output = outputs[name]()
    planned.steps = {step for child in planned.output for step in child} if name == "Parent" else set(steps)
    if name == "Events":
        planned.events = [(f"E{step}", {"event": step}) for step in numbers]
    return planned
