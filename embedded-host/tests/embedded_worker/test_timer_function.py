"""Functions with a timerTrigger in a worker."""

from __future__ import annotations

import json

import pytest

from embedded_host.task_hub.timer_request import timer_request
from embedded_worker.protocol import InvocationRequest, InvocationResult
from embedded_worker.runner import Runner
from tests.support import worker_calls
from tests.support.app_folder import CLIENT, HTTP_OUT, AppFolder
from tests.support.worker_calls import load_of

TIMER = {"name": "timer", "type": "timerTrigger", "direction": "in", "schedule": "0 * * * * *"}
QUEUE = {
    "name": "queue",
    "type": "queue",
    "direction": "out",
    "queueName": "q",
    "connection": "AzureWebJobsStorage",
}


@pytest.fixture
def runner() -> Runner:
    return Runner()


async def run(runner: Runner, app: AppFolder) -> InvocationResult:
    assert runner.load(load_of(app)).problems == []
    return await worker_calls.run(
        runner,
        InvocationRequest(
            1, "Tick", timer_request(None, None, past_due=True), "", '{"the": "client"}'
        ),
    )


async def test_a_timer_function_gets_the_request_the_client_and_the_context(
    app: AppFolder, runner: Runner
) -> None:
    app.function(
        "Tick",
        """
        import azure.functions as func

        def main(timer: func.TimerRequest, starter: str, context: func.Context):
            timing = f"{timer.past_due} {timer.schedule} {timer.schedule_status}"
            raise RuntimeError(f"{timing} {starter} {context.function_name}")
        """,
        TIMER,
        CLIENT,
    )
    error = (await run(runner, app)).error
    assert error is not None
    assert (
        error.message == "True {'AdjustForDST': True} {} " + json.dumps({"the": "client"}) + " Tick"
    )


async def test_a_timer_parameter_annotated_as_str_gets_json(app: AppFolder, runner: Runner) -> None:
    app.function("Tick", "def main(timer: str): raise RuntimeError(timer)", TIMER)
    error = (await run(runner, app)).error
    assert error is not None
    assert json.loads(error.message)["IsPastDue"] is True


async def test_outputs_without_a_service_are_ignored(app: AppFolder, runner: Runner) -> None:
    app.function(
        "Tick",
        "def main(timer, queue):\n    queue.set('message')\n    return 'text'\n",
        TIMER,
        QUEUE,
        HTTP_OUT,
    )
    assert await run(runner, app) == InvocationResult(1)


async def test_a_return_value_without_a_return_binding_fails_the_function(
    app: AppFolder, runner: Runner
) -> None:
    app.function("Tick", "async def main(timer): return 'text'", TIMER)
    error = (await run(runner, app)).error
    assert error is not None
    assert error.message.startswith(
        "function 'Tick' without a $return bindingreturned a non-None value. "
    )
