"""Orchestrators in the style of durabletask.

Only the delays are shorter than on the recorded Azure Functions host.
"""

from datetime import timedelta

import azure.durable_functions as df
from durabletask import entities, task

native = df.Blueprint()
orchestrator = native.orchestration_trigger(context_name="ctx")


@orchestrator
def NativeChain(ctx, data):
    a = yield ctx.call_activity("Echo", input="Tokyo")
    b = yield ctx.call_activity("Echo", input={"city": a})
    return [a, b, data]


@orchestrator
def NativeFanOut(ctx, data):
    rs = yield task.when_all([ctx.call_activity("Echo", input=i) for i in range(data or 4)])
    return rs


@orchestrator
def NativeFanOutFails(ctx, data):
    rs = yield task.when_all(
        [ctx.call_activity("Echo", input=1), ctx.call_activity("Fail", input="one of two")]
    )
    return rs


@orchestrator
def NativeCaught(ctx, data):
    try:
        yield ctx.call_activity("Fail", input="boom")
    except task.TaskFailedError as e:
        return {
            "type": e.details.error_type,
            "message": e.details.message,
            "stack": bool(e.details.stack_trace),
        }


@orchestrator
def NativeChildCaught(ctx, data):
    try:
        yield ctx.call_sub_orchestrator("RaiseLater")
    except task.TaskFailedError as e:
        return {"type": e.details.error_type, "message": e.details.message}


@orchestrator
def NativeRetry(ctx, data):
    p = task.RetryPolicy(first_retry_interval=timedelta(milliseconds=50), max_number_of_attempts=3)
    r = yield ctx.call_activity("Flaky", input=ctx.instance_id, retry_policy=p)
    return r


@orchestrator
def NativeRetryBackoff(ctx, data):
    p = task.RetryPolicy(
        first_retry_interval=timedelta(milliseconds=60),
        max_number_of_attempts=3,
        backoff_coefficient=2,
    )
    r = yield ctx.call_activity("Fail", input="always", retry_policy=p)
    return r


@orchestrator
def NativeChildRetry(ctx, data):
    p = task.RetryPolicy(first_retry_interval=timedelta(milliseconds=50), max_number_of_attempts=2)
    r = yield ctx.call_sub_orchestrator("ActFail", retry_policy=p)
    return r


@orchestrator
def NativeChildDefaultId(ctx, data):
    r = yield ctx.call_sub_orchestrator("Deterministic")
    return r


@orchestrator
def NativeChildOwnId(ctx, data):
    r = yield ctx.call_sub_orchestrator("Deterministic", instance_id=ctx.instance_id + "-kid")
    return r


@orchestrator
def NativeEvents(ctx, data):
    a = yield ctx.wait_for_external_event("E")
    b = yield ctx.wait_for_external_event("E")
    return [a, b]


@orchestrator
def NativeAny(ctx, data):
    e = ctx.wait_for_external_event("go")
    t = ctx.create_timer(timedelta(seconds=1.1))
    w = yield task.when_any([e, t])
    return "event" if w is e else "timer"


@orchestrator
def NativeCarryOver(ctx, data):
    n = data or 0
    v = yield ctx.wait_for_external_event("E")
    if n < 2:
        ctx.continue_as_new(n + 1, save_events=True)
        return None
    return [n, v]


@orchestrator
def NativeDropEvents(ctx, data):
    n = data or 0
    v = yield ctx.wait_for_external_event("E")
    if n < 1:
        ctx.continue_as_new(n + 1, save_events=False)
        return None
    return [n, v]


@orchestrator
def NativeEntityCalls(ctx, data):
    e = entities.EntityInstanceId("tally", ctx.instance_id)
    ctx.signal_entity(e, "add", 5)
    a = yield ctx.call_entity(e, "add", 3)
    b = yield ctx.call_entity(e, "get")
    return [a, b]


@orchestrator
def NativeEntityFails(ctx, data):
    e = entities.EntityInstanceId("tally", ctx.instance_id)
    try:
        yield ctx.call_entity(e, "explode")
    except task.TaskFailedError as x:
        v = yield ctx.call_entity(e, "get")
        return {"type": x.details.error_type, "message": x.details.message, "after": v}


@orchestrator
def NativeEntityFailsThrough(ctx, data):
    e = entities.EntityInstanceId("tally", ctx.instance_id)
    v = yield ctx.call_entity(e, "explode")
    return v


@orchestrator
def NativeLock(ctx, data):
    a = entities.EntityInstanceId("tally", ctx.instance_id + "-a")
    b = entities.EntityInstanceId("tally", ctx.instance_id + "-b")
    with (yield ctx.lock_entities([b, a])):
        yield ctx.call_entity(a, "add", 10)
        yield ctx.call_entity(b, "add", -10)
    x = yield ctx.call_entity(a, "get")
    y = yield ctx.call_entity(b, "get")
    return [x, y]


@orchestrator
def NativeSendEvent(ctx, data):
    yield ctx.call_activity("Echo", input=1)
    ctx.send_event(data, "Approval", data={"from": "another"})
    return "sent"


@orchestrator
def NativeCustomStatus(ctx, data):
    ctx.set_custom_status({"step": 1})
    yield ctx.call_activity("Echo", input=1)
    ctx.set_custom_status(None)
    return ctx.is_replaying


@orchestrator
def NativeRaises(ctx, data):
    yield ctx.call_activity("Echo", input=1)
    raise KeyError("missing")


@orchestrator
def NativeNested(ctx, data):
    r = yield ctx.call_sub_orchestrator("SubFail")
    return r


@orchestrator
def NativeUnserialisable(ctx, data):
    yield ctx.call_activity("Echo", input=1)
    return object()


@orchestrator
def NativeActivityUnserialisable(ctx, data):
    r = yield ctx.call_activity("Opaque", input=1)
    return r


@orchestrator
def NativeWrongOrder(ctx, data):
    if ctx.is_replaying:
        yield ctx.call_activity("Big", input=3)
    else:
        yield ctx.call_activity("Echo", input=3)
    return "no fault found"


@orchestrator
def NativeTerminateChildren(ctx, data):
    yield ctx.call_sub_orchestrator("WaitEvent", instance_id=ctx.instance_id + "-kid")


@orchestrator
def NativeUuid(ctx, data):
    a, b = ctx.new_uuid(), ctx.new_uuid()
    yield ctx.call_activity("Echo", input=1)
    return [len(a), a != b]


@orchestrator
def NativeVersion(ctx, data):
    yield ctx.call_activity("Echo", input=1)
    return {"version": ctx.version, "parent": ctx.parent_instance_id}
