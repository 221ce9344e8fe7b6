"""An app whose instances have all kinds of steps that the dashboard draws."""

from __future__ import annotations

from pathlib import Path

from tests.support.app_folder import AppFolder


def shop_app(root: Path) -> AppFolder:
    app = AppFolder(root, hub="Shop")
    app.starter()
    app.http("Ping", "def main(req): return 'pong'", "ping", "get")
    app.orchestrator("Echo", "return context.get_input()")
    app.orchestrator(
        "Order",
        """
        order = context.get_input()
        context.set_custom_status({"step": "charging"})
        yield context.task_all([context.call_activity("Reserve", line) for line in order["lines"]])
        yield context.call_activity_with_retry("Charge", df.RetryOptions(50, 3), order["id"])
        timer = context.create_timer(context.current_utc_datetime + timedelta(hours=1))
        approval = context.wait_for_external_event("Approval")
        yield context.task_any([approval, timer])
        timer.cancel()
        context.signal_entity(df.EntityId("Revenue", "shop"), "add", 5)
        child_id = context.instance_id + "-ship"
        shipped = yield context.call_sub_orchestrator("Ship", order["id"], child_id)
        return {"approved": approval.result, "shipped": shipped}
        """,
    )
    app.orchestrator("Ship", 'return (yield context.call_activity("Reserve", context.get_input()))')
    app.orchestrator("Approve", 'return (yield context.wait_for_external_event("Approval"))')
    app.orchestrator(
        "ApproveChild",
        'yield context.call_sub_orchestrator("Approve", None, context.instance_id + ":west")',
    )
    app.orchestrator("Failing", 'yield context.call_activity("Fail", context.get_input())')
    app.orchestrator("Bankrupt", 'raise RuntimeError("no money left")')
    app.orchestrator(
        "Recovers",
        """
        try:
            yield context.call_activity("Fail", "recovered")
        except Exception:
            raise KeyError("its own") from None
        """,
    )
    app.orchestrator(
        "FanOut",
        """
        import azure.durable_functions as df
        options = df.RetryOptions(1, 2)
        yield context.task_all(
            [context.call_activity_with_retry("Pick", options, n) for n in range(200)]
        )
        """,
    )
    app.activity(
        "Pick",
        """
        if value == 133:
            raise ValueError(f"no stock of item {value}")
        return value
        """,
    )
    app.orchestrator("Huge", 'return (yield context.call_activity("Export", 60_000))')
    app.activity("Export", 'return [{"row": n, "text": "x" * 40} for n in range(value)]')
    app.activity("Reserve", "return value")
    app.activity("Fail", "raise ValueError(f'no stock of {value}')")
    # The first call for each order fails. A file records that this call has run.
    app.activity(
        "Charge",
        """
        from pathlib import Path
        file = Path(__file__).with_name(value)
        if not file.exists():
            file.touch()
            raise ConnectionError("the bank does not respond")
        return "charged"
        """,
    )
    app.counter("Revenue")
    timer = {"name": "timer", "type": "timerTrigger", "direction": "in", "schedule": "0 0 3 1 1 *"}
    app.function("Nightly", "def main(timer): print('it is night')", timer)
    app.function(
        "Queue",
        "def main(message): pass",
        {"name": "message", "type": "queueTrigger", "direction": "in"},
    )
    return app


ORDER = {"id": "o-1", "lines": ["A-17", "C-03"]}
