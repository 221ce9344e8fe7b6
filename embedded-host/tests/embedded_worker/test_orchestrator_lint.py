"""Messages about mistakes in an orchestrator's code, with their lines and the fixes."""

from __future__ import annotations

import azure.durable_functions as df
import pytest

from embedded_worker.orchestrator_lint import (
    shape_problem,
)
from tests.embedded_worker.conftest import FILE, MakeFunction

# -- loaded code -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "kind", "expected"),
    [
        (
            "async def run(context):\n    await context.call_activity('A')\n",
            "orchestrationTrigger",
            "'run' is an async def, which the SDK does not run. Make it a plain def, with yield "
            "instead of await.",
        ),
        (
            "async def run(context):\n    yield context.call_activity('A')\n",
            "orchestrationTrigger",
            "'run' is an async def, which the SDK does not run. Make it a plain def, with yield "
            "instead of await.",
        ),
        (
            "async def run(context):\n    pass\n",
            "entityTrigger",
            "'run' is an async def, which the SDK does not run. Make it a plain def.",
        ),
    ],
)
def test_an_async_def_orchestrator_is_refused(
    run: MakeFunction, code: str, kind: str, expected: str
) -> None:
    factory = df.Orchestrator if kind == "orchestrationTrigger" else df.Entity
    handle = factory.create(run("\n\n" + code))
    assert shape_problem(handle, kind, FILE, "main") == f"{FILE} line 3: {expected}"
    assert shape_problem(handle, kind, f"{FILE} line 9", "main") == f"{FILE} line 9: {expected}"


@pytest.mark.parametrize(
    "code",
    [
        "def run(context):\n    yield 1\n",
        "async def run(context):\n    pass\n",
        "async def run(context):\n    yield 1\n",
    ],
)
def test_the_entry_point_must_be_the_result_of_create(run: MakeFunction, code: str) -> None:
    function = run(code)
    assert shape_problem(function, "orchestrationTrigger", FILE, "main") == (
        f"'main' in {FILE} is the orchestrator function itself. Rename it, for example to run, "
        "make it a plain def, and add below it: main = df.Orchestrator.create(run)."
    )
    entity = shape_problem(function, "entityTrigger", FILE, "main")
    assert entity is not None
    assert "is the entity function itself" in entity
    assert entity.endswith("main = df.Entity.create(run).")


def test_valid_functions_have_no_shape_problem(run: MakeFunction) -> None:
    generator = run("def run(context):\n    yield 1\n")
    assert (
        shape_problem(df.Orchestrator.create(generator), "orchestrationTrigger", FILE, "main")
        is None
    )
    assert (
        shape_problem(df.Entity.create(lambda context: None), "entityTrigger", FILE, "main") is None
    )
    assert shape_problem(lambda context: None, "orchestrationTrigger", FILE, "main") is None
    assert (
        shape_problem(run("async def run(req):\n    pass\n"), "httpTrigger", FILE, "main") is None
    )
