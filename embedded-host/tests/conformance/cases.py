"""The recorded cases of orchestrations, events and lifecycle. ``cases_http`` has the other cases.

The cases have no fixed delays: they repeat a request until the response matches the recording.
"""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from tests.conformance.recorder import Case, Recorder

_JSON_INPUTS: tuple[tuple[str, Any], ...] = (
    ("null", None),
    ("int", 3),
    ("string", "text"),
    ("list", [1, 2]),
    ("dict", {"a": {"b": [1]}}),
    ("true", True),
    ("unicode", "\u00e9\u4f60"),
)
_WITH_HISTORY = (
    *(
        "Hello",
        "Chain",
        "FanOut",
        "FanAny",
        "Sub",
        "SubFail",
        "ActFail",
        "ActFailCaught",
        "RaiseHere",
        "RaiseLater",
    ),
    *(
        "Retry",
        "RetryExhaust",
        "SubRetryExhaust",
        "Timer",
        "EventOrTimeout",
        "CustomStatus",
        "Deterministic",
    ),
    *("Unknown", "UnknownSub", "EntityCall", "EntityFail"),
)


def finish(r: Recorder, name: str, body: Any = None, *, history: bool = True) -> None:
    """Start an instance, wait for its end, and record its status with and without the history."""
    links = r.start(name, body, r.new_id())
    r.wait(links)
    r.request("GET", links["statusQueryGetUri"], label="final status")
    if history:
        uri = links["statusQueryGetUri"] + "&showHistory=true&showHistoryOutput=true"
        r.request("GET", uri, label="with history")


def call_http(r: Recorder) -> None:
    finish(r, "CallHttp", r.base + "/api/getonly", history=False)


# -- starting --------------------------------------------------------------------------------------


def start_response(r: Recorder) -> None:
    links = r.start("Hello", None, r.new_id(), record=True)
    r.wait(links)
    options = (
        "",
        "&showInput=false",
        "&showHistory=true",
        "&showHistory=true&showHistoryOutput=true",
    )
    for extra in (*options, "&returnInternalServerErrorOnFailure=true"):
        r.request("GET", links["statusQueryGetUri"] + extra)


def start_unknown(r: Recorder) -> None:
    links = r.start("NoSuchOrchestrator")
    r.wait(links)
    r.request("GET", links["statusQueryGetUri"], label="final status")


def start_running(r: Recorder) -> None:
    links = r.start("WaitEvent", {"a": 1}, r.new_id())
    r.wait(links, "Running")
    r.request("GET", links["statusQueryGetUri"], label="running")
    r.request("GET", links["statusQueryGetUri"] + "&showInput=false", label="running, no input")
    r.raise_event(links, "Approval", '"yes"', label="raise")
    r.wait(links)
    r.request("GET", links["statusQueryGetUri"], label="completed")
    r.raise_event(links, "Approval", '"yes"', label="raise after completion")
    r.post(links["terminatePostUri"], "late", "terminate after completion")
    r.post(links["suspendPostUri"], "late", "suspend after completion")
    r.post(links["resumePostUri"], "late", "resume after completion")
    r.post(links["rewindPostUri"], "late", "rewind completed")


def start_duplicate_id(r: Recorder) -> None:
    instance_id = r.new_id()
    links = r.start("WaitEvent", None, instance_id)
    r.wait(links, "Running")
    r.start("Hello", None, instance_id, record=True)
    r.request("GET", links["statusQueryGetUri"], label="after second start with the same id")


# -- events ----------------------------------------------------------------------------------------


def events_order(r: Recorder) -> None:
    links = r.start("TwoEvents", None, r.new_id())
    for value in ("1", '{"n": 2}'):
        r.raise_event(links, "E", value)
    r.wait(links)
    r.request("GET", links["statusQueryGetUri"] + "&showHistory=true&showHistoryOutput=true")


def events_case_and_bodies(r: Recorder) -> None:
    links = r.start("WaitEvent", None, r.new_id())
    r.wait(links, "Running")
    r.raise_event(links, "Other", "1", label="an event nobody waits for")  # codespell:ignore nobody
    r.raise_event(links, "Approval", "not json", label="malformed JSON")
    r.raise_event(links, "Approval", "plain", "text/plain", "text/plain")
    r.raise_event(links, "approval", "", label="other case, empty body")
    r.request("GET", links["statusQueryGetUri"])


def events_beat_timers(r: Recorder) -> None:
    links = r.start("EventOrTimeout", None, r.new_id())
    r.raise_event(links, "Approval", "true")
    r.wait(links)
    r.request("GET", links["statusQueryGetUri"] + "&showHistory=true")


# -- lifecycle -------------------------------------------------------------------------------------


def life_suspend(r: Recorder) -> None:
    links = r.start("WaitEvent", None, r.new_id())
    r.wait(links, "Running")
    r.post(links["suspendPostUri"], "pausing", "suspend")
    r.wait(links, "Suspended")
    r.request("GET", links["statusQueryGetUri"], label="suspended")
    r.post(links["suspendPostUri"], "again", "suspend twice")
    r.raise_event(links, "Approval", '"held"', label="event while suspended")
    r.request("GET", links["statusQueryGetUri"], label="still suspended")
    r.post(links["resumePostUri"], "go%20on", "resume")
    r.wait(links)
    r.request("GET", links["statusQueryGetUri"] + "&showHistory=true", label="end")


def life_terminate(r: Recorder) -> None:
    links = r.start("WaitEvent", None, r.new_id())
    r.wait(links, "Running")
    r.post(links["terminatePostUri"], "enough", "terminate")
    r.wait(links)
    r.request("GET", links["statusQueryGetUri"] + "&showHistory=true", label="terminated")


def life_terminate_no_reason(r: Recorder) -> None:
    links = r.start("WaitEvent", None, r.new_id())
    r.wait(links, "Running")
    r.post(links["terminatePostUri"].replace("reason={text}&", ""), label="terminate")
    r.wait(links)
    r.request("GET", links["statusQueryGetUri"], label="terminated")


def life_rewind(r: Recorder) -> None:
    links = r.start("ActFail", None, r.new_id())
    r.wait(links)
    r.post(links["rewindPostUri"], "fix", "rewind")
    r.settle("GET", links["statusQueryGetUri"], "after rewind")


def life_restart(r: Recorder) -> None:
    links = r.start("GetInput", {"again": 1}, r.new_id())
    r.wait(links)
    again = r.post(links["restartPostUri"], label="restart").json
    r.wait(again)
    r.request("GET", again["statusQueryGetUri"], label="restarted")
    separator = "&" if "?" in links["restartPostUri"] else "?"
    r.post(
        links["restartPostUri"] + separator + "restartWithNewInstanceId=false",
        label="restart in place",
    )


def life_purge(r: Recorder) -> None:
    links = r.start("Hello", None, r.new_id())
    r.wait(links)
    r.request("DELETE", links["purgeHistoryDeleteUri"], label="purge")
    r.request("GET", links["statusQueryGetUri"], label="purged")
    r.request("DELETE", links["purgeHistoryDeleteUri"], label="purge again")
    links = r.start("WaitEvent", None, r.new_id("id2"))
    r.wait(links, "Running")
    r.request("DELETE", links["purgeHistoryDeleteUri"], label="purge a running one")


# -- the SDK's client ------------------------------------------------------------------------------


def client_calls(r: Recorder) -> None:
    def call(operation: str, **given: Any) -> None:
        r.request("POST", f"/api/client/{operation}", json.dumps(given), label=operation)

    instance_id = r.new_id(prefix="cli")
    call("get_status", id=instance_id)
    links = r.start("WaitEvent", {"x": 1}, instance_id)
    r.wait(links, "Running")
    call("get_status", id=instance_id, input=True)
    call("get_status_by", status=["Running"], prefix=instance_id)
    call("suspend", id=instance_id)
    r.wait(links, "Suspended")
    call("resume", id=instance_id)
    r.wait(links, "Running")
    call("raise_event", id=instance_id, name="Approval", data={"ok": 1})
    r.wait(links)
    call("get_status", id=instance_id, history=True, historyOutput=True)
    call("raise_event", id=instance_id, name="Approval", data=1)
    for operation in ("terminate", "rewind", "restart", "purge", "purge"):
        call(operation, id=instance_id)
    call("raise_event", id=instance_id, name="Approval", data=1)
    call("terminate", id=instance_id)
    call("bindings")


def client_waits(r: Recorder) -> None:
    r.post("/api/wait/Hello")
    r.post("/api/wait/ActFail")
    r.post("/api/wait/WaitEvent?timeout=600&retry=200", label="times out")


CASES: dict[str, Case] = {
    "start/response": start_response,
    "start/unknown": start_unknown,
    "start/running-202": start_running,
    "start/duplicate-id": start_duplicate_id,
    **{f"orch/{name}": partial(finish, name=name) for name in _WITH_HISTORY},
    "orch/ContinueAsNew": partial(finish, name="ContinueAsNew", body=0),
    **{
        f"returns/{kind}": partial(finish, name="Returns", body={"kind": kind}, history=False)
        for kind in ("int", "float", "str", "list", "dict", "none", "bool", "unicode")
    },
    **{
        f"input/{label}": partial(finish, name="GetInput", body=value)
        for label, value in _JSON_INPUTS
    },
    "orch/BigOutput": partial(finish, name="BigOutput", body=200000, history=False),
    "orch/FanOut50": partial(finish, name="FanOut", body=50, history=False),
    "orch/CallHttp": call_http,
    "events/order-and-buffer": events_order,
    "events/case-and-bodies": events_case_and_bodies,
    "events/approve-beats-timer": events_beat_timers,
    "life/suspend-resume": life_suspend,
    "life/terminate": life_terminate,
    "life/terminate-no-reason": life_terminate_no_reason,
    "life/rewind-failed": life_rewind,
    "life/restart": life_restart,
    "life/purge": life_purge,
    "client/calls": client_calls,
    "client/wait-for-completion": client_waits,
}
