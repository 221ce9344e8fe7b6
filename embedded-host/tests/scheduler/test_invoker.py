"""Tests of the calls that workers receive."""

from __future__ import annotations

import asyncio

import durabletask.internal.orchestrator_service_pb2 as pb
from google.protobuf.wrappers_pb2 import StringValue

from embedded_host.engine.orchestration import Orchestration
from embedded_host.task_hub.diagnosis import diagnose
from tests.scheduler.conftest import Scheduler, call_activity, complete
from tests.support.polling import eventually_async


async def test_a_turn_has_the_whole_history(scheduler: Scheduler) -> None:
    await scheduler.call("StartInstance", instanceId="i", name="O", input="1", version="2")
    worker = scheduler.worker()
    first = await worker.next()
    assert [e.WhichOneof("eventType") for e in first.orchestratorRequest.newEvents] == [
        "orchestratorStarted",
        "executionStarted",
    ]
    assert first.orchestratorRequest.newEvents[1].executionStarted.version.value == "2"
    await worker.decide(first, call_activity(1, "A", '"x"', color="red"))
    activity = (await worker.next()).activityRequest
    assert (activity.name, activity.input.value, activity.taskId) == ("A", '"x"', 1)
    assert activity.orchestrationInstance.instanceId == "i"
    assert dict(activity.tags) == {"color": "red"}


async def test_the_result_of_an_activity_reaches_its_orchestrator(scheduler: Scheduler) -> None:
    await scheduler.call("StartInstance", instanceId="i", name="O")
    worker = scheduler.worker()
    await worker.decide(await worker.next(), call_activity(1, "A", "1"))
    await worker.return_value(await worker.next(), "2")
    second = await worker.next()
    request = second.orchestratorRequest
    assert len(request.pastEvents) == 4
    assert request.newEvents[-1].taskCompleted.result.value == "2"
    await worker.decide(second, complete(2, "3"))
    await scheduler.call("WaitForInstanceCompletion", instanceId="i", waitSeconds=5)
    state = await scheduler.status("i")
    assert (state["orchestrationStatus"], state["output"]) == (
        "ORCHESTRATION_STATUS_COMPLETED",
        "3",
    )


async def test_a_failure_keeps_its_details(scheduler: Scheduler) -> None:
    await scheduler.call("StartInstance", instanceId="i", name="O")
    worker = scheduler.worker()
    await worker.decide(await worker.next(), call_activity(1, "A", "1"))
    failure = pb.TaskFailureDetails(
        errorType="builtins.ValueError",
        errorMessage="no",
        stackTrace=StringValue(value="trace"),
        innerFailure=pb.TaskFailureDetails(errorType="builtins.KeyError"),
        isNonRetriable=True,
    )
    await worker.fail(await worker.next(), failure)
    event = (await worker.next()).orchestratorRequest.newEvents[-1]
    assert event.taskFailed.failureDetails == failure


async def test_an_instance_can_be_terminated_without_a_worker(scheduler: Scheduler) -> None:
    await scheduler.call("StartInstance", instanceId="i", name="O")
    await asyncio.sleep(0)
    await scheduler.call("TerminateInstance", instanceId="i", output='"enough"')
    response = await scheduler.call("WaitForInstanceCompletion", instanceId="i", waitSeconds=5)
    state = response["orchestrationState"]
    assert state["orchestrationStatus"] == "ORCHESTRATION_STATUS_TERMINATED"


async def test_the_activities_of_a_terminated_instance_do_not_run(scheduler: Scheduler) -> None:
    await scheduler.call("StartInstance", instanceId="i", name="O")
    filters = pb.WorkItemFilters(orchestrations=[pb.OrchestrationFilter(name="O")])
    worker = scheduler.worker(workItemFilters=filters)
    await worker.decide(await worker.next(), call_activity(1, "A", "1"))
    await scheduler.call("TerminateInstance", instanceId="i")
    await scheduler.call("WaitForInstanceCompletion", instanceId="i", waitSeconds=5)
    await worker.disconnect()
    await scheduler.call("StartInstance", instanceId="j", name="O")
    other = scheduler.worker()
    assert (await other.next()).orchestratorRequest.instanceId == "j"


async def test_an_activity_has_the_version_of_its_orchestration(scheduler: Scheduler) -> None:
    await scheduler.call("StartInstance", instanceId="i", name="O", version="2")
    worker = scheduler.worker()
    item = await worker.next()
    await worker.disconnect()
    one, two = (
        pb.WorkItemFilters(
            orchestrations=[pb.OrchestrationFilter(name="O")],
            activities=[pb.ActivityFilter(name="A", versions=[version])],
        )
        for version in "12"
    )
    other, matching = (
        scheduler.worker(workItemFilters=one),
        scheduler.worker(workItemFilters=two),
    )
    waiting = asyncio.ensure_future(other.next())
    await worker.decide(item, call_activity(1, "A", "1"))
    assert (await matching.next()).activityRequest.name == "A"
    assert not waiting.done()
    waiting.cancel()


async def test_an_entity_receives_its_operations(scheduler: Scheduler) -> None:
    await scheduler.call("SignalEntity", instanceId="@Counter@k", name="add", input="1")
    worker = scheduler.worker()
    item = await worker.next()
    assert item.entityRequest.instanceId == "@counter@k"
    assert [o.operation for o in item.entityRequest.operations] == ["add"]
    result = pb.EntityBatchResult(
        results=[pb.OperationResult(success=pb.OperationResultSuccess())],
        entityState=StringValue(value="1"),
        completionToken=item.completionToken,
    )
    await scheduler.rpcs.complete_entity("default", result)
    hub = scheduler.hubs.open("default")

    def state() -> str | None:
        row = scheduler.store.instance("default", "@counter@k")
        entity = None if row is None else scheduler.store.entity(row.key)
        return None if entity is None else entity.state

    assert await eventually_async(state, "the state is stored") == "1"
    assert hub.queue.items == []


async def test_a_waiting_instance_is_diagnosed_without_a_turn(scheduler: Scheduler) -> None:
    await scheduler.call("StartInstance", instanceId="i", name="O")
    worker = scheduler.worker()
    await worker.decide(await worker.next())
    scheduled = scheduler.hubs.find("default")
    assert scheduled is not None
    instance = scheduled.hub.find("i")
    assert instance is not None
    await eventually_async(lambda: not instance.busy, "the turn is done")
    await worker.disconnect()
    for _ in range(2):
        diagnosis = await asyncio.wait_for(diagnose(scheduled.hub, "i"), 5)
        assert diagnosis is not None
        assert diagnosis.text.startswith(
            "It waits for an external event, whose name its worker does not report (its last turn "
        )
        assert isinstance(instance.state, Orchestration)
        instance.state.execution = None  # as after a restart
