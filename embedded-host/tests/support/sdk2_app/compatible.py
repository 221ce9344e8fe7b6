"""Orchestrators and an entity in the style of SDK 1.x, which SDK 2.x accepts as well."""

from datetime import timedelta

import azure.durable_functions as df

compatible = df.Blueprint()
orchestrator = compatible.orchestration_trigger(context_name="ctx")


@orchestrator
def old_chain(ctx: df.DurableOrchestrationContext):
    seen = []
    for city in ("Tokyo", "Seattle", "London"):
        seen.append((yield ctx.call_activity("echo", city)))
    return [*seen, ctx.get_input()]


@orchestrator
def old_fan_out(ctx: df.DurableOrchestrationContext):
    return (yield ctx.task_all([ctx.call_activity("echo", i) for i in range(ctx.get_input())]))


@orchestrator
def old_first_of(ctx: df.DurableOrchestrationContext):
    calls = [ctx.call_activity("sleep", seconds) for seconds in (0.01, 0.3)]
    first = yield ctx.task_any(calls)
    return first.result


@orchestrator
def old_parent(ctx: df.DurableOrchestrationContext):
    return (yield ctx.call_sub_orchestrator("old_child", 20, ctx.instance_id + "-child"))


@orchestrator
def old_child(ctx: df.DurableOrchestrationContext):
    n = yield ctx.call_activity("echo", ctx.get_input())
    return {"n": n + 1, "parent": ctx.parent_instance_id}


@orchestrator
def old_retrying(ctx: df.DurableOrchestrationContext):
    options = df.RetryOptions(10, 3)
    return (yield ctx.call_activity_with_retry("flaky", options, ctx.get_input()))


@orchestrator
def old_retrying_child(ctx: df.DurableOrchestrationContext):
    options = df.RetryOptions(10, 3)
    call = ctx.call_sub_orchestrator_with_retry("flaky_child", options, ctx.get_input())
    return (yield call)


@orchestrator
def old_event_or_timeout(ctx: df.DurableOrchestrationContext):
    timer = ctx.create_timer(ctx.current_utc_datetime + timedelta(seconds=ctx.get_input()))
    event = ctx.wait_for_external_event("Approval")
    winner = yield ctx.task_any([event, timer])
    if winner is timer:
        return "timed out"
    timer.cancel()
    return event.result


@orchestrator
def old_count_to(ctx: df.DurableOrchestrationContext):
    at, end = ctx.get_input()
    yield ctx.call_activity("echo", at)
    if at == end:
        return at
    ctx.continue_as_new([at + 1, end])


@orchestrator
def old_custom_status(ctx: df.DurableOrchestrationContext):
    ctx.set_custom_status({"step": 1})
    yield ctx.wait_for_external_event("go")
    return "ok"


@orchestrator
def old_call_http(ctx: df.DurableOrchestrationContext):
    response = yield ctx.call_http("GET", ctx.get_input())
    return [response.status_code, response.content]


@orchestrator
def old_counts(ctx: df.DurableOrchestrationContext):
    entity = df.EntityId("Total", ctx.instance_id)
    ctx.signal_entity(entity, "add", 5)
    yield ctx.call_entity(entity, "add", 3)
    return (yield ctx.call_entity(entity, "get"))


@compatible.entity_trigger(context_name="context")
def Total(context: df.DurableEntityContext):  # noqa: N802
    total = context.get_state(lambda: 0)
    if context.operation_name == "add":
        total += context.get_input()
    context.set_state(total)
    context.set_result(total)
