"""The recorded cases of SDK 2.x: those of 1.x that its recording contains, and those of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from tests.conformance.cases import CASES
from tests.conformance.cases_http import HTTP_CASES
from tests.conformance.recorder import JSON, Case, Links, Recorder
from tests.support.running_host import MANAGEMENT

_CHILD = "-kid"
"""The suffix of the id of a child instance."""


def finish(
    r: Recorder,
    name: str,
    body: Any = None,
    *,
    meanwhile: Callable[[Recorder, Links], None] | None = None,
    history: bool = True,
) -> None:
    """Start an instance, wait for its end, and record its state over HTTP and gRPC."""
    instance_id = r.new_id()
    links = r.start(name, body, instance_id)
    if meanwhile:
        meanwhile(r, links)
    r.wait(links)
    r.request("GET", links["statusQueryGetUri"], label="final status")
    if history:
        uri = links["statusQueryGetUri"] + "&showHistory=true&showHistoryOutput=true"
        r.request("GET", uri, label="with history")
    r.call("native", "state", id=instance_id)
    r.call("native", "history", id=instance_id)


def _event(r: Recorder, links: Links, name: str, data: object) -> None:
    uri = links["sendEventPostUri"].replace("{eventName}", name)
    r.send("POST", uri, json.dumps(data), JSON)


def _go(r: Recorder, links: Links) -> None:
    _event(r, links, "go", True)


def terminate_recursive(r: Recorder) -> None:
    instance_id = r.new_id()
    links = r.start("NativeTerminateChildren", None, instance_id)
    child = {
        "statusQueryGetUri": links["statusQueryGetUri"].replace(instance_id, instance_id + _CHILD)
    }
    r.wait(child, "Running")
    r.call("native", "terminate", id=instance_id, output="enough", recursive=True)
    r.wait(links)
    r.request("GET", links["statusQueryGetUri"], label="parent")
    r.settle("GET", child["statusQueryGetUri"], "child")


_LATE_CALLS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("resume", {}),
    ("suspend", {}),
    ("raise", {"name": "approval"}),
    ("terminate", {}),
    ("rewind", {"reason": "r"}),
)
_SETTLED_STATE = "state when it has changed"
_CLIENT_CALLS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("wait_start", {}),
    (_SETTLED_STATE, {}),
    ("state", {"payloads": False}),
    ("schedule Hello", {}),
    ("states", {}),
    ("states", {"status": ["RUNNING"]}),
    ("states", {"status": ["COMPLETED"]}),
    ("wait_end", {"timeout": 1}),
    ("suspend", {}),
    (_SETTLED_STATE, {}),
    ("suspend", {}),
    ("raise", {"name": "approval", "data": {"ok": [1]}}),
    ("state", {}),
    ("purge", {}),
    ("resume", {}),
    ("wait_end", {}),
    ("history", {}),
    *_LATE_CALLS,
    ("restart", {"new": True}),
    ("restart", {"new": False}),
    (_SETTLED_STATE, {}),
    ("terminate", {"output": {"why": "done"}}),
    ("wait_end", {}),
    ("purge", {}),
    ("purge", {}),
    *_LATE_CALLS,
    ("restart", {}),
)


def client(r: Recorder) -> None:
    instance_id = r.new_id()
    r.call("native", "state", id=instance_id)
    r.call("native", "history", id=instance_id)
    r.call("native", "wait_start", id=instance_id, timeout=1)
    more: dict[str, Any] = {"input": {"x": 1}, "tags": {"team": "blue"}}
    r.call("native", "schedule", name="WaitEvent", id=instance_id, **more)
    for name, given in _CLIENT_CALLS:
        if name == "schedule Hello":
            r.call("native", "schedule", name="Hello", id=instance_id)
        elif name == "states":
            r.call("native", name, prefix=instance_id, **given)
        else:
            settle = name == _SETTLED_STATE
            r.call("native", name.split()[0], settle=settle, id=instance_id, **given)


def version_newer(r: Recorder) -> None:
    instance_id = r.new_id()
    r.call("native", "schedule", name="NativeVersion", id=instance_id, version="1.2")
    r.call("native", "wait_start", id=instance_id, timeout=4)
    r.call("native", "state", id=instance_id)


def entities(r: Recorder) -> None:
    key, other = r.new_id("key", "k"), r.new_id("key2", "m")

    def call(name: str, /, *, settle: bool = False, entity: str = "tally", **given: Any) -> None:
        r.call("native", name, settle=settle, **{"entity": entity, "key": key, **given})

    def listed(**given: Any) -> None:
        r.call("native", "entities", prefix=f"@tally@{key}", **given)

    call("entity")
    call("signal", entity="Tally", op="add", input=4)
    call("entity", settle=True)
    call("entity", entity="TALLY")
    call("entity", state=False)
    call("signal", op="explode")
    call("signal", op="nosuchop")
    call("signal", op="forward", input=other)
    call("signal", op="start")
    call("entity", settle=True)
    call("entity", settle=True, key=other)
    listed()
    listed(state=False)
    call("signal", op="forget")
    call("entity", settle=True)
    listed()
    call("signal", entity="nosuchentity", op="add")
    r.call("native", "clean")
    r.request("GET", f"{MANAGEMENT}/entities/tally/{other}?x=1", label="over HTTP")


_NATIVE = (
    *("Chain", "FanOut", "FanOutFails", "Caught", "ChildCaught", "Retry", "RetryBackoff"),
    *("ChildRetry", "ChildDefaultId", "ChildOwnId", "Any", "EntityCalls", "EntityFails"),
    *("EntityFailsThrough", "Lock", "CustomStatus", "Raises", "Nested", "Unserialisable"),
    *("ActivityUnserialisable", "WrongOrder", "Uuid", "Version"),
)

_OWN: dict[str, Case] = {
    **{f"native/Native{name}": partial(finish, name=f"Native{name}") for name in _NATIVE},
    "native/NativeChain-input": partial(finish, name="NativeChain", body={"a": [1, None, "x"]}),
    "native/NativeAny-event": partial(finish, name="NativeAny", meanwhile=_go),
    "native/terminate-recursive": terminate_recursive,
    "native/client": client,
    "native/version-newer-than-the-host's": version_newer,
    "native/entities": entities,
}


def cases_2x(recorded: list[str]) -> dict[str, Case]:
    """Return the cases with the names ``recorded``."""
    cases = {**CASES, **HTTP_CASES, **_OWN}
    return {name: cases[name] for name in recorded}
