"""Orchestrators in the style of durabletask: ``def orchestrator(ctx, input)``."""

from datetime import timedelta

import azure.durable_functions as df
from activities import Point
from durabletask import task
from durabletask.entities import EntityInstanceId

native = df.Blueprint()
orchestrator = native.orchestration_trigger(context_name="ctx")
SOON = timedelta(milliseconds=10)


@orchestrator
def chain(ctx: task.OrchestrationContext, _):
    seen = []
    for name in ("echo", "echo_async", "echo in brackets"):
        seen.append((yield ctx.call_activity(name, input=f"{name}!")))
    return seen


# The binding has the name _durable_input then, which the Azure Functions host refuses.
@native.orchestration_trigger(context_name="context")
def named_context(ctx: task.OrchestrationContext, data):
    return (yield ctx.call_activity("echo", input=data))


@orchestrator
def fan_out(ctx: task.OrchestrationContext, count):
    return (yield task.when_all([ctx.call_activity("echo", input=i) for i in range(count)]))


@orchestrator
def fan_out_with_failure(ctx: task.OrchestrationContext, _):
    calls = [ctx.call_activity("echo", input=1), ctx.call_activity("fail", input="one of two")]
    return (yield task.when_all(calls))


@orchestrator
def first_of(ctx: task.OrchestrationContext, _):
    calls = [ctx.call_activity("sleep", input=seconds) for seconds in (0.3, 0.01)]
    first = yield task.when_any(calls)
    return [calls.index(first), first.get_result()]


@orchestrator
def points(ctx: task.OrchestrationContext, _):
    point = yield ctx.call_activity("mirror", input=Point(1, 2), return_type=Point)
    return [type(point).__name__, point.x, point.y]


@orchestrator
def large(ctx: task.OrchestrationContext, size):
    text = yield ctx.call_activity("letters", input=size)
    again = yield ctx.call_activity("echo", input=text)
    return again


@orchestrator
def starts_from_activity(ctx: task.OrchestrationContext, _):
    return (yield ctx.call_activity("start_from_activity", input="named_context"))


# -- sub-orchestrations ----------------------------------------------------------------------------


@orchestrator
def parent(ctx: task.OrchestrationContext, _):
    named = yield ctx.call_sub_orchestrator(
        "child", input={"n": 20}, instance_id=f"{ctx.instance_id}-child"
    )
    calls = [ctx.call_sub_orchestrator("child", input={"n": n}) for n in (1, 2)]
    return [named, *(yield task.when_all(calls))]


@orchestrator
def child(ctx: task.OrchestrationContext, data):
    n = yield ctx.call_activity("echo", input=data["n"])
    return {"n": n + 1, "id": ctx.instance_id, "parent": ctx.parent_instance_id}


@orchestrator
def failing(ctx: task.OrchestrationContext, text):
    yield ctx.call_activity("fail", input=text or "boom")


@orchestrator
def parent_of_failing(ctx: task.OrchestrationContext, _):
    yield ctx.call_sub_orchestrator("failing")


@orchestrator
def raising(ctx: task.OrchestrationContext, _):
    yield ctx.call_activity("echo", input=1)
    raise KeyError("missing")


@orchestrator
def catching(ctx: task.OrchestrationContext, _):
    caught = []
    for call in (
        ctx.call_activity("fail", input="boom"),
        ctx.call_sub_orchestrator("failing"),
        ctx.call_activity("no_such_activity"),
    ):
        try:
            yield call
        except task.TaskFailedError as error:
            inner = error.details.inner_failure
            caught.append(
                {
                    "type": error.details.error_type,
                    "message": error.details.message,
                    "is ValueError": error.details.is_caused_by(ValueError),
                    "has stack": bool(error.details.stack_trace),
                    "inner": inner and inner.error_type,
                }
            )
    return caught


@orchestrator
def retrying(ctx: task.OrchestrationContext, path):
    policy = task.RetryPolicy(first_retry_interval=SOON, max_number_of_attempts=3)
    return (yield ctx.call_activity("flaky", input=path, retry_policy=policy))


@orchestrator
def retrying_in_vain(ctx: task.OrchestrationContext, path):
    policy = task.RetryPolicy(
        first_retry_interval=SOON, max_number_of_attempts=2, backoff_coefficient=2
    )
    return (yield ctx.call_activity("flaky", input=path, retry_policy=policy))


@orchestrator
def flaky_child(ctx: task.OrchestrationContext, path):
    return (yield ctx.call_activity("flaky", input=path))


@orchestrator
def retrying_child(ctx: task.OrchestrationContext, path):
    policy = task.RetryPolicy(first_retry_interval=SOON, max_number_of_attempts=3)
    return (yield ctx.call_sub_orchestrator("flaky_child", input=path, retry_policy=policy))


@orchestrator
def rewindable(ctx: task.OrchestrationContext, path):
    before = yield ctx.call_activity("echo", input="kept")
    after = yield ctx.call_activity("require_file", input=path)
    return [before, after]


@orchestrator
def parent_of_waiting(ctx: task.OrchestrationContext, levels):
    name = "parent_of_waiting" if levels > 1 else "event"
    data = levels - 1 if levels > 1 else None
    yield ctx.call_sub_orchestrator(name, input=data, instance_id=f"{ctx.instance_id}-c")


# -- timers and events -----------------------------------------------------------------------------


@orchestrator
def timer(ctx: task.OrchestrationContext, seconds):
    began = ctx.current_utc_datetime
    yield ctx.create_timer(timedelta(seconds=seconds))
    yield ctx.create_timer(ctx.current_utc_datetime + timedelta(seconds=seconds))
    return (ctx.current_utc_datetime - began).total_seconds()


@orchestrator
def event(ctx: task.OrchestrationContext, _):
    return (yield ctx.wait_for_external_event("Approval"))


@orchestrator
def events(ctx: task.OrchestrationContext, count):
    yield ctx.call_activity("sleep", input=0.2)
    seen = []
    for _ in range(count):
        seen.append((yield ctx.wait_for_external_event("E")))
    return seen


@orchestrator
def event_or_timeout(ctx: task.OrchestrationContext, seconds):
    timeout = ctx.create_timer(timedelta(seconds=seconds))
    approval = ctx.wait_for_external_event("Approval")
    winner = yield task.when_any([approval, timeout])
    if winner is timeout:
        return "timed out"
    timeout.cancel()
    return approval.get_result()


@orchestrator
def sends_event(ctx: task.OrchestrationContext, other):
    yield ctx.call_activity("echo", input=1)
    ctx.send_event(other, "Approval", data={"from": ctx.instance_id})
    return "sent"


# -- generations -----------------------------------------------------------------------------------


@orchestrator
def count_to(ctx: task.OrchestrationContext, numbers):
    at, end = numbers
    yield ctx.call_activity("echo", input=at)
    if at == end:
        return at
    ctx.continue_as_new([at + 1, end])
    return None


@orchestrator
def carried_events(ctx: task.OrchestrationContext, seen):
    seen = seen or []
    seen.append((yield ctx.wait_for_external_event("E")))
    if len(seen) < 3:
        ctx.continue_as_new(seen, save_events=True)
        return None
    return seen


@orchestrator
def dropped_events(ctx: task.OrchestrationContext, generation):
    value = yield ctx.wait_for_external_event("E")
    yield ctx.call_activity("sleep", input=0.5)
    if not generation:
        ctx.continue_as_new(1, save_events=False)
        return None
    return value


# -- status, versions, tags ------------------------------------------------------------------------


@orchestrator
def custom_status(ctx: task.OrchestrationContext, _):
    ctx.set_custom_status({"step": 1})
    yield ctx.wait_for_external_event("go")
    ctx.set_custom_status("done")
    return "ok"


@orchestrator
def versions(ctx: task.OrchestrationContext, _):
    mine = ctx.version
    yield ctx.call_activity("echo", input=1)
    same = yield ctx.call_sub_orchestrator("reports_version")
    other = yield ctx.call_sub_orchestrator("reports_version", version="7.1")
    return [mine, same, other]


@orchestrator
def reports_version(ctx: task.OrchestrationContext, _):
    return ctx.version


@orchestrator
def next_version(ctx: task.OrchestrationContext, generation):
    yield ctx.call_activity("echo", input=1)
    if not generation:
        ctx.continue_as_new(1, new_version="3.0")
        return None
    return ctx.version


@orchestrator
def tagged(ctx: task.OrchestrationContext, _):
    return (yield ctx.call_activity("echo", input=1, tags={"cost-center": "42"}))


@orchestrator
def deterministic(ctx: task.OrchestrationContext, _):
    before = [ctx.new_uuid(), ctx.new_uuid(), ctx.current_utc_datetime.isoformat()]
    again = yield ctx.call_activity("echo", input=before)
    return [before == again, before[0] != before[1], ctx.is_replaying]


@orchestrator
def changes_its_calls(ctx: task.OrchestrationContext, _):
    yield ctx.call_activity("echo" if not ctx.is_replaying else "sleep", input=0)
    yield ctx.call_activity("echo", input=1)
    return "not detected"


# -- entities --------------------------------------------------------------------------------------


@orchestrator
def counts(ctx: task.OrchestrationContext, _):
    counter = EntityInstanceId("counter", ctx.instance_id)
    ctx.signal_entity(counter, "add", 5)
    yield ctx.call_entity(counter, "add", 3)
    return (yield ctx.call_entity(counter, "get"))


@orchestrator
def catches_entity_failure(ctx: task.OrchestrationContext, _):
    counter = EntityInstanceId("counter", ctx.instance_id)
    yield ctx.call_entity(counter, "add", 3)
    try:
        yield ctx.call_entity(counter, "fail_after_change")
    except task.TaskFailedError as error:
        after = yield ctx.call_entity(counter, "get")
        return [error.details.error_type, error.details.message, after]


@orchestrator
def fails_with_entity(ctx: task.OrchestrationContext, _):
    yield ctx.call_entity(EntityInstanceId("counter", ctx.instance_id), "fail_after_change")


@orchestrator
def transfer(ctx: task.OrchestrationContext, data):
    source, target = (EntityInstanceId("counter", key) for key in data["keys"])
    with (yield ctx.lock_entities([source, target])):
        amount = yield ctx.call_entity(source, "get")
        yield ctx.call_activity("sleep", input=0.02)
        yield ctx.call_entity(source, "set", amount - data["amount"])
        amount = yield ctx.call_entity(target, "get")
        yield ctx.call_entity(target, "set", amount + data["amount"])
    return "transferred"


@orchestrator
def transfers(ctx: task.OrchestrationContext, data):
    calls = [
        ctx.call_sub_orchestrator(
            "transfer", input={"keys": data["keys"][:: 1 if n % 3 else -1], "amount": 1}
        )
        for n in range(data["count"])
    ]
    yield task.when_all(calls)
    results = []
    for key in data["keys"]:
        results.append((yield ctx.call_entity(EntityInstanceId("counter", key), "get")))
    return results


@orchestrator
def raises_in_lock(ctx: task.OrchestrationContext, key):
    with (yield ctx.lock_entities([EntityInstanceId("counter", key)])):
        raise RuntimeError("while it has the lock")


@orchestrator
def waits_in_lock(ctx: task.OrchestrationContext, key):
    with (yield ctx.lock_entities([EntityInstanceId("counter", key)])):
        yield ctx.wait_for_external_event("never")


@orchestrator
def locks_and_counts(ctx: task.OrchestrationContext, key):
    counter = EntityInstanceId("counter", key)
    with (yield ctx.lock_entities([counter])):
        return (yield ctx.call_entity(counter, "add", 1))


@orchestrator
def signals_later(ctx: task.OrchestrationContext, key):
    due = ctx.current_utc_datetime + timedelta(seconds=0.5)
    ctx.signal_entity(EntityInstanceId("counter", key), "add", 4, signal_time=due)
    return due.isoformat()


@orchestrator
def tick(ctx: task.OrchestrationContext, key):
    ctx.signal_entity(EntityInstanceId("counter", key), "add", 1)


@orchestrator
def uses_function_entity(ctx: task.OrchestrationContext, _):
    register = EntityInstanceId("Register", ctx.instance_id)
    seen = []
    for operation, data in (("describe", None), ("put", {"a": [1, None]}), ("read", None)):
        seen.append((yield ctx.call_entity(register, operation, data)))
    yield ctx.call_entity(register, "delete")
    seen.append((yield ctx.call_entity(register, "read")))
    return seen
