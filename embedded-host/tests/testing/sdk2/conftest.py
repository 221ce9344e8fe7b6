"""The app for SDK 2.x that the tests of the test kit use: a small shop."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded_host.testing import DurableApp
from tests.support.app_folder import AppFolder

SHOP = """
from datetime import timedelta

import azure.durable_functions as df
import azure.functions as func
import ledger
from durabletask import task
from durabletask.entities import EntityInstanceId

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
orchestrator = app.orchestration_trigger(context_name="ctx")


class Parcel:
    def __init__(self, weight):
        self.weight = weight

    def __eq__(self, other):
        return isinstance(other, Parcel) and self.weight == other.weight

    @staticmethod
    def to_json(parcel):
        return {"weight": parcel.weight}

    @staticmethod
    def from_json(document):
        return Parcel(document["weight"])


@orchestrator
def order(ctx: task.OrchestrationContext, input):
    paid = yield ctx.call_activity("charge", input=input)
    shipped = yield ctx.call_activity("ship", input={"order": paid})
    ctx.set_custom_status("shipped")
    return [paid, shipped]


@orchestrator
def reminder(ctx: task.OrchestrationContext, _):
    yield ctx.create_timer(timedelta(days=3))
    yield ctx.call_activity("ship", input="reminder")
    return ctx.current_utc_datetime.isoformat()


@orchestrator
def approval(ctx: task.OrchestrationContext, hours):
    approved = ctx.wait_for_external_event("Approval")
    timeout = ctx.create_timer(timedelta(hours=hours or 72))
    if (yield task.when_any([approved, timeout])) is timeout:
        return "timed out"
    return approved.get_result()


@orchestrator
def retrying(ctx: task.OrchestrationContext, input):
    policy = task.RetryPolicy(
        first_retry_interval=timedelta(minutes=1), max_number_of_attempts=3
    )
    return (yield ctx.call_activity("charge", input=input, retry_policy=policy))


@orchestrator
def parent(ctx: task.OrchestrationContext, _):
    children = [ctx.call_sub_orchestrator("child", input=n) for n in (1, 2, 3)]
    return sum((yield task.when_all(children)))


@orchestrator
def child(ctx: task.OrchestrationContext, n):
    return (yield ctx.call_activity("double", input=n))


@orchestrator
def count_to(ctx: task.OrchestrationContext, input):
    count, end = input
    yield ctx.call_activity("double", input=count)
    if count == end:
        return count
    ctx.continue_as_new([count + 1, end])


@orchestrator
def endless(ctx: task.OrchestrationContext, _):
    yield ctx.call_activity("double", input=1)
    ctx.continue_as_new(None)


@orchestrator
def tally(ctx: task.OrchestrationContext, _):
    entity = EntityInstanceId("counter", "a")
    ctx.signal_entity(entity, "add", 5)
    yield ctx.call_entity(entity, "add", 3)
    return (yield ctx.call_entity(entity, "get"))


@orchestrator
def transfer(ctx: task.OrchestrationContext, amount):
    source, target = EntityInstanceId("counter", "source"), EntityInstanceId("counter", "target")
    with (yield ctx.lock_entities([source, target])):
        yield ctx.call_entity(source, "add", -amount)
        yield ctx.call_activity("double", input=amount)
        yield ctx.call_entity(target, "add", amount)
    return "moved"


@orchestrator
def broken_entity(ctx: task.OrchestrationContext, _):
    try:
        yield ctx.call_entity(EntityInstanceId("counter", "a"), "close", 1)
    except task.TaskFailedError as error:
        details = error.details
        stacks = [bool(details.stack_trace), bool(getattr(details.inner_failure, "stack_trace", 0))]
        return [str(error), details.error_type, details.message, *stacks]


@orchestrator
def delegating(ctx: task.OrchestrationContext, input):
    yield ctx.call_sub_orchestrator("child", input=input)
    yield ctx.call_entity(EntityInstanceId("counter", "a"), "note", input)


@orchestrator
def chain(ctx: task.OrchestrationContext, count):
    value = 0
    for step in range(count):
        value = yield ctx.call_activity("double", input=step + 1)
    return value


@orchestrator
def broken(ctx: task.OrchestrationContext, _):
    yield ctx.call_activity("double", input=1)
    raise ValueError("no such thing")


@orchestrator
def catching(ctx: task.OrchestrationContext, name):
    try:
        yield ctx.call_activity("charge", input=1)
        yield ctx.call_sub_orchestrator("child", input=1)
    except task.TaskFailedError as error:
        return [error.details.error_type, error.details.message]


@orchestrator
def notifying(ctx: task.OrchestrationContext, instance_id):
    ctx.send_event(instance_id, "Approval", data={"by": ctx.instance_id})
    yield ctx.create_timer(timedelta(seconds=1))


@orchestrator
def weighing(ctx: task.OrchestrationContext, parcel: Parcel):
    return (yield ctx.call_activity("repack", input=parcel, return_type=Parcel))


@orchestrator
def counting(ctx: task.OrchestrationContext, _):
    ledger.entries.append("another turn")
    yield ctx.call_activity("double" if len(ledger.entries) < 2 else "ship", input=1)
    yield ctx.call_activity("double", input=2)


@app.orchestration_trigger(context_name="context")
def fetch(context: df.DurableOrchestrationContext):
    response = yield context.call_http("POST", "https://api.example.com/stock", {"item": 7})
    return [response.status_code, response.content]


@app.orchestration_trigger(context_name="context")
def compatible(context: df.DurableOrchestrationContext):
    paid = yield context.call_activity("charge", context.get_input())
    return paid


@app.activity_trigger(input_name="input")
def charge(input):
    ledger.entries.append(f"paid {input}")
    return f"paid {input}"


@app.activity_trigger(input_name="input")
def ship(input) -> str:
    return "shipped"


@app.activity_trigger(input_name="input")
async def double(input) -> int:
    return 2 * input


@app.activity_trigger(input_name="input")
def repack(input):
    return Parcel(input.weight + 1)


@app.entity_trigger(context_name="ctx")
def counter(ctx, input):
    value = ctx.get_state(int, 0)
    if ctx.operation == "add":
        value += input
        ctx.set_state(value)
    elif ctx.operation == "close":
        raise ValueError("closed")
    return value


@app.route(route="start/{name}")
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client: df.DurableFunctionsClient) -> func.HttpResponse:
    id = await client.schedule_new_orchestration(
        req.route_params["name"], input=req.get_json() if req.get_body() else None
    )
    return client.create_check_status_response(req, id)


@app.route(route="status/{id}")
@app.durable_client_input(client_name="client")
async def status(req: func.HttpRequest, client: df.DurableFunctionsClient) -> str:
    state = await client.get_orchestration_state(req.route_params["id"])
    return f"{state.runtime_status.name} {state.serialized_output}"


@app.route(route="sync/{name}")
@app.durable_client_input(client_name="client")
def start_in_thread(req: func.HttpRequest, client: df.SyncDurableFunctionsClient) -> str:
    id = client.schedule_new_orchestration(req.route_params["name"], input=7)
    state = client.wait_for_orchestration_completion(id, timeout=30)
    return state.serialized_output


@app.route(route="approve/{id}")
@app.durable_client_input(client_name="client")
async def approve(req: func.HttpRequest, client: df.DurableFunctionsClient) -> str:
    await client.raise_orchestration_event(req.route_params["id"], "Approval", data=[1, "2"])
    return "ok"


@app.timer_trigger(schedule="0 0 0 * * *", arg_name="timer")
def nightly(timer: func.TimerRequest) -> None:
    ledger.entries.append("tick")
"""


def shop_app(root: Path, code: str = SHOP) -> AppFolder:
    app = AppFolder(root, hub="Shop")
    app.write("function_app.py", code)
    app.write("ledger.py", "entries = []\n")
    return app


@pytest.fixture(scope="session")
def shop_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shop_app(tmp_path_factory.mktemp("shop2") / "shop").root


@pytest.fixture
def shop(shop_root: Path) -> Iterator[DurableApp]:
    with DurableApp(shop_root) as app:
        entries().clear()
        yield app


def entries() -> list[object]:
    """Return the entries that the shop's functions have written to the app's module ``ledger``."""
    entries: list[object] = importlib.import_module("ledger").entries
    return entries
