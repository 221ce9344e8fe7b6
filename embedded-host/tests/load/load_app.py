"""The app under load, with one orchestrator for each kind of work."""

from __future__ import annotations

from pathlib import Path

from tests.support.app_folder import AppFolder


def load_app(root: Path) -> AppFolder:
    """Write the files of the app below ``root``."""
    app = AppFolder(root)
    app.starter()
    app.http(
        "Echo",
        "import azure.functions as func\ndef main(req): return func.HttpResponse(req.get_body())",
        "echo",
    )
    app.activity("Double", "return 2 * value")
    app.orchestrator("Wait", "return (yield context.wait_for_external_event('Go'))")
    app.orchestrator(
        "Chain",
        """
        value = context.get_input()
        for _ in range(3):
            value = yield context.call_activity("Double", value)
        return value
        """,
    )
    app.orchestrator(
        "FanOut",
        """
        tasks = [context.call_activity("Double", n) for n in range(context.get_input())]
        return sum((yield context.task_all(tasks)))
        """,
    )
    app.orchestrator(
        "Timer",
        """
        yield context.create_timer(context.current_utc_datetime + timedelta(milliseconds=100))
        return context.get_input()
        """,
    )
    app.orchestrator(
        "Again",
        """
        left = context.get_input()
        yield context.call_activity("Double", left)
        if left:
            context.continue_as_new(left - 1)
            return None
        return "done"
        """,
    )
    app.orchestrator(
        "Parent", "return (yield context.call_sub_orchestrator('Chain', context.get_input()))"
    )
    app.orchestrator(
        "Counts",
        """
        counter = df.EntityId("Counter", context.get_input())
        return (yield context.call_entity(counter, "add", 1)) > 0
        """,
    )
    app.orchestrator(
        "Raises", "yield context.call_activity('Double', 1)\nraise ValueError('intended')"
    )
    app.counter()
    return app
