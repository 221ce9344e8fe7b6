"""A v2 app with blueprints, an imported package and values of the app's own classes."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from embedded_host.testing import DurableApp
from embedded_host.testing.events import TaskFailed
from tests.support.app_folder import AppFolder

FUNCTION_APP = """\
import azure.durable_functions as df
import azure.functions as func

from travel.activities import bp as activities
from travel.models import Trip
from travel.orchestrators import bp as orchestrators

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
app.register_functions(activities)
app.register_functions(orchestrators)


@app.entity_trigger(context_name="context", entity_name="Account")
def account(context: df.DurableEntityContext):
    spent = context.get_state(lambda: {"spent": 0.0, "trips": []})
    if context.operation_name == "spend":
        trip = context.get_input()
        spent = {"spent": spent["spent"] + trip.budget, "trips": [*spent["trips"], trip.traveller]}
        context.set_state(spent)
    elif context.operation_name == "close":
        context.destruct_on_exit()


@app.route(route="trips/{name}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def start_trip(req: func.HttpRequest, client: df.DurableOrchestrationClient):
    name = req.route_params["name"]
    await client.start_new("book_trip", f"trip-{name}", Trip(name, req.get_json()))
    return client.create_check_status_response(req, f"trip-{name}")


@app.timer_trigger(schedule="0 0 3 * * *", arg_name="timer")
@app.durable_client_input(client_name="client")
async def nightly(timer: func.TimerRequest, client: df.DurableOrchestrationClient):
    await client.start_new("book_trip", None, Trip("night", ["Rome"]))
"""
MODELS = """\
import importlib
import json


class Trip:
    def __init__(self, traveller: str, legs: list, budget: float = 100.0):
        self.traveller, self.legs, self.budget = traveller, legs, budget

    @staticmethod
    def to_json(trip) -> str:
        return json.dumps(vars(trip))

    @staticmethod
    def from_json(text: str):
        return Trip(**json.loads(text))


class Booking:
    def __init__(self, leg: str, price: float):
        self.leg, self.price = leg, price

    def __eq__(self, other):
        return vars(self) == vars(other)

    @staticmethod
    def to_json(booking) -> dict:
        return vars(booking)

    @staticmethod
    def from_json(fields: dict):
        return Booking(**fields)
"""
ACTIVITIES = """\
import os

import azure.durable_functions as df

from travel.models import Booking

bp = df.Blueprint()


class SoldOut(Exception):
    pass


@bp.activity_trigger(input_name="leg")
def book_leg(leg: str) -> Booking:
    if leg == "Atlantis":
        raise SoldOut(f"nothing goes to {leg}")
    return Booking(leg, len(leg) * float(os.environ["PRICE"]))


@bp.function_name("cancelling")
@bp.activity_trigger(input_name="booking", activity="CancelLeg")
async def cancel_leg(booking: Booking) -> str:
    return f"cancelled {booking.leg}"
"""
ORCHESTRATORS = """\
from datetime import timedelta

import azure.durable_functions as df

bp = df.Blueprint()


@bp.orchestration_trigger(context_name="context")
def book_trip(context: df.DurableOrchestrationContext):
    trip = context.get_input()
    bookings = []
    try:
        for leg in trip.legs:
            bookings.append((yield context.call_activity("book_leg", leg)))
    except Exception as error:
        undone = [context.call_sub_orchestrator("undo", booking) for booking in bookings]
        undone = (yield context.task_all(undone)) if undone else []
        why = str(error).splitlines()[0].strip()
        return {"status": "rolled back", "undone": undone, "why": why}
    if sum(booking.price for booking in bookings) > trip.budget:
        approved = context.wait_for_external_event("Approved")
        deadline = context.create_timer(context.current_utc_datetime + timedelta(hours=24))
        if (yield context.task_any([approved, deadline])) == deadline:
            return {"status": "expired"}
        deadline.cancel()
        context.set_custom_status(approved.result)
    context.signal_entity(df.EntityId("Account", trip.traveller), "spend", trip)
    return [vars(booking) for booking in bookings]


@bp.orchestration_trigger(context_name="context")
def undo(context: df.DurableOrchestrationContext):
    booking, retry = context.get_input(), df.RetryOptions(5000, 4)
    return (yield context.call_activity_with_retry("CancelLeg", retry, booking))
"""


@pytest.fixture(scope="module")
def travel_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    app = AppFolder(tmp_path_factory.mktemp("travel") / "app")
    app.write("function_app.py", FUNCTION_APP)
    for name, code in {
        "models": MODELS,
        "activities": ACTIVITIES,
        "orchestrators": ORCHESTRATORS,
    }.items():
        app.write(f"travel/{name}.py", code)
    app.write("travel/__init__.py", "")
    return app.root


@pytest.fixture
def travel(travel_root: Path) -> Iterator[DurableApp]:
    with DurableApp(travel_root, settings={"PRICE": "10"}) as app:
        yield app


def trip(*legs: str, budget: float = 100.0) -> Any:
    return importlib.import_module("travel.models").Trip("ada", list(legs), budget)


def booking(leg: str, price: float) -> Any:
    return importlib.import_module("travel.models").Booking(leg, price)


async def test_values_of_the_apps_classes_are_objects_everywhere_in_a_test(
    travel: DurableApp,
) -> None:
    book, cancel = travel.spy("book_leg"), travel.spy("CancelLeg")
    rome = trip("Rome")
    booked = await travel.run("book_trip", rome)
    assert booked.output == [{"leg": "Rome", "price": 40.0}]
    assert vars(booked.input) == vars(rome)
    (call,) = booked.history.activities
    assert (call.input, call.result) == ("Rome", booking("Rome", 40.0))
    (spent,) = booked.history.entity_calls
    assert (spent.entity, spent.operation, vars(spent.input)) == (
        "@account@ada",
        "spend",
        vars(rome),
    )
    assert travel.entity_state("Account", "ada") == {"spent": 100.0, "trips": ["ada"]}
    undone = await travel.run("book_trip", trip("Rome", "Atlantis"))
    assert undone.output == {
        "status": "rolled back",
        "undone": ["cancelled Rome"],
        "why": "Activity function 'book_leg' failed: SoldOut: nothing goes to Atlantis",
    }
    (child,) = undone.history.sub_orchestrations
    assert (child.input, child.result) == (booking("Rome", 40.0), "cancelled Rome")
    assert book.calls == ["Rome", "Rome", "Atlantis"]
    assert cancel.calls == [booking("Rome", 40.0)]


async def test_an_event_approves_a_v2_orchestration_and_a_timer_expires_it(
    travel: DurableApp,
) -> None:
    dear = await travel.start("book_trip", trip("Constantinople"), instance_id="dear")
    await travel.advance(hours=23, minutes=59)
    assert dear.status == "Running"
    await travel.raise_event("dear", "Approved", {"by": "boss"})
    assert dear.result() == [{"leg": "Constantinople", "price": 140.0}]
    assert dear.custom_status == {"by": "boss"}
    assert [event.value for event in dear.history.raised_events] == [{"by": "boss"}]
    assert (await travel.run("book_trip", trip("Constantinople"))).output == {"status": "expired"}


async def test_fakes_return_objects_of_the_apps_classes_and_raise_exceptions(
    travel: DurableApp,
) -> None:
    travel.fake(
        "book_leg",
        side_effect=[booking("A", 1.0), LookupError("full"), booking("C", 3.0), booking("D", 4.0)],
    )
    cancel = travel.fake("CancelLeg", side_effect=[RuntimeError, RuntimeError, "undone"])
    assert (await travel.run("book_trip", trip("A", "B"))).output == {
        "status": "rolled back",
        "undone": ["undone"],
        "why": "Activity function 'book_leg' failed: LookupError: full",
    }
    assert cancel.calls == [booking("A", 1.0)] * 3
    assert (await travel.run("book_trip", trip("C", "D"))).output == [
        {"leg": "C", "price": 3.0},
        {"leg": "D", "price": 4.0},
    ]


async def test_an_activitys_failure_has_the_users_frames_only(travel: DurableApp) -> None:
    failed = await travel.run("book_trip", trip("Atlantis"))
    (call,) = failed.history.activities
    (raised,) = [event for event in failed.history if isinstance(event, TaskFailed)]
    assert call.error == "Activity function 'book_leg' failed: SoldOut: nothing goes to Atlantis"
    assert raised.details is not None
    assert "activities.py" in raised.details
    assert "embedded_host" not in raised.details


async def test_http_and_timer_functions_start_orchestrations(travel: DurableApp) -> None:
    started = await travel.http("POST", "/api/trips/bob", ["Oslo"])
    assert (started.status, started.json()["id"]) == (202, "trip-bob")
    assert travel.instance("trip-bob").output == [{"leg": "Oslo", "price": 40.0}]
    await travel.advance(days=2)
    assert [instance.input.traveller for instance in travel.instances] == ["bob", "night", "night"]
    await travel.signal_entity("account", "night", "close")
    assert travel.entity_state("Account", "night") is None


async def test_the_history_of_a_v2_app_replays(travel: DurableApp, tmp_path: Path) -> None:
    file = (await travel.run("book_trip", trip("Rome", "Oslo"))).history.save(
        tmp_path / "trip.json"
    )
    assert travel.replay(file).output == [
        {"leg": "Rome", "price": 40.0},
        {"leg": "Oslo", "price": 40.0},
    ]
