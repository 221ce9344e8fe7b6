"""Orchestrators and activities of the probe app, as on the recorded Azure Functions host.

Only the delays are shorter, because the recordings do not contain delays.
"""

from __future__ import annotations

ORCHESTRATORS = {
    "Hello": """
        r = yield ctx.call_activity("Echo", "World")
        return r
        """,
    "Chain": """
        a = yield ctx.call_activity("Echo", "Tokyo")
        b = yield ctx.call_activity("Echo", "Seattle")
        c = yield ctx.call_activity("Echo", "London")
        return [a, b, c]
        """,
    "FanOut": """
        n = ctx.get_input() or 5
        n = int(n)
        rs = yield ctx.task_all([ctx.call_activity("Echo", i) for i in range(n)])
        return rs
        """,
    "FanAny": """
        w = yield ctx.task_any([ctx.call_activity("Sleep", 0.05), ctx.call_activity("Sleep", 3)])
        return w.result
        """,
    "Sub": """
        r = yield ctx.call_sub_orchestrator("Hello", None, "%s:sub" % ctx.instance_id)
        s = yield ctx.call_sub_orchestrator("Returns", {"kind": "dict"})
        return {"first": r, "second": s}
        """,
    "SubFail": """
        r = yield ctx.call_sub_orchestrator("ActFail")
        return r
        """,
    "ActFail": """
        r = yield ctx.call_activity("Fail", "boom")
        return r
        """,
    "ActFailCaught": """
        try:
            yield ctx.call_activity("Fail", "boom")
        except Exception as e:
            return "caught: " + str(e)[:40]
        """,
    "RaiseHere": """
        raise ValueError("orchestrator blew up")
        yield
        """,
    "RaiseLater": """
        yield ctx.call_activity("Echo", 1)
        raise ValueError("orchestrator blew up later")
        """,
    "Retry": """
        r = yield ctx.call_activity_with_retry("Flaky", df.RetryOptions(50, 3), ctx.instance_id)
        return r
        """,
    "RetryExhaust": """
        r = yield ctx.call_activity_with_retry("Fail", df.RetryOptions(50, 2), "always")
        return r
        """,
    "SubRetryExhaust": """
        r = yield ctx.call_sub_orchestrator_with_retry("ActFail", df.RetryOptions(50, 2))
        return r
        """,
    "Timer": """
        yield ctx.create_timer(ctx.current_utc_datetime + timedelta(seconds=0.3))
        return "timer fired"
        """,
    "WaitEvent": """
        v = yield ctx.wait_for_external_event("Approval")
        return v
        """,
    "TwoEvents": """
        a = yield ctx.wait_for_external_event("E")
        b = yield ctx.wait_for_external_event("E")
        return [a, b]
        """,
    "EventOrTimeout": """
        t = ctx.create_timer(ctx.current_utc_datetime + timedelta(seconds=0.5))
        e = ctx.wait_for_external_event("Approval")
        w = yield ctx.task_any([e, t])
        if w == e:
            t.cancel()
            return {"approved": e.result}
        return "timed out"
        """,
    "CustomStatus": """
        ctx.set_custom_status({"step": 1})
        yield ctx.call_activity("Echo", 1)
        ctx.set_custom_status("done")
        return "ok"
        """,
    "CustomStatusWait": """
        ctx.set_custom_status({"step": "waiting"})
        yield ctx.wait_for_external_event("go")
        return "ok"
        """,
    "ContinueAsNew": """
        n = int(ctx.get_input() or 0)
        yield ctx.call_activity("Echo", n)
        if n < 3:
            ctx.continue_as_new(n + 1)
        else:
            return n
        """,
    "Returns": """
        k = (ctx.get_input() or {}).get("kind")
        yield ctx.call_activity("Echo", 1)
        values = {"int": 7, "float": 1.5, "str": "text", "list": [1, "a", None], "none": None}
        values["dict"] = {"a": 1}
        return {**values, "bool": True, "unicode": "\\u00e9\\u4f60"}[k]
        """,
    "BigOutput": """
        r = yield ctx.call_activity("Big", int(ctx.get_input() or 100000))
        return r
        """,
    "Deterministic": """
        a = ctx.new_uuid()
        t = ctx.current_utc_datetime.isoformat()
        yield ctx.call_activity("Echo", 1)
        ids = {"instance": ctx.instance_id, "parent": ctx.parent_instance_id}
        return {"uuid_len": len(str(a)), "has_time": bool(t), **ids}
        """,
    "Unknown": """
        r = yield ctx.call_activity("NoSuchActivity", 1)
        return r
        """,
    "UnknownSub": """
        r = yield ctx.call_sub_orchestrator("NoSuchOrchestrator")
        return r
        """,
    "CallHttp": """
        r = yield ctx.call_http("GET", ctx.get_input())
        return {"status": r.get("statusCode") if isinstance(r, dict) else r.status_code}
        """,
    "EntityCall": """
        e = df.EntityId("Counter", ctx.get_input() or "k1")
        ctx.signal_entity(e, "add", 5)
        yield ctx.call_entity(e, "add", 3)
        v = yield ctx.call_entity(e, "get")
        return v
        """,
    "EntityFail": """
        e = df.EntityId("Counter", "bad")
        v = yield ctx.call_entity(e, "explode")
        return v
        """,
    "Forever": """
        while True:
            yield ctx.wait_for_external_event("tick")
        """,
    "GetInput": """
        i = ctx.get_input()
        yield ctx.call_activity("Echo", 1)
        return {"input": i, "type": type(i).__name__}
        """,
}
"""Bodies of generator functions with the parameter ``ctx``, by name."""

ACTIVITIES = {
    "Echo": "return v",
    "Fail": 'raise ValueError("activity failed: %s" % v)',
    "Sleep": """
        import time
        time.sleep(min(v, 0.4))
        return v
        """,
    "Big": 'return "x" * v',
    "Flaky": """
        import os, tempfile
        p = os.path.join(tempfile.gettempdir(), "flaky-%s" % abs(hash(v)))
        n = int(open(p).read()) if os.path.exists(p) else 0
        open(p, "w").write(str(n + 1))
        if n < 2:
            raise RuntimeError("attempt %d" % (n + 1))
        return "succeeded on attempt %d" % (n + 1)
        """,
}
"""Bodies of functions with the parameter ``v``, by name."""
