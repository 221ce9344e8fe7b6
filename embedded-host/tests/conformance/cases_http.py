"""The recorded cases of the management API, HTTP functions and the host's pages."""

from __future__ import annotations

import json
from typing import Any

from tests.conformance.recorder import JSON, Case, Recorder
from tests.support.polling import eventually
from tests.support.running_host import MANAGEMENT as M

Q = "?x=1"
"""A query in place of the access key in the recordings. The comparison ignores both."""


def api_missing_instance(r: Recorder) -> None:
    instance_id = r.new_id()
    operations = ("/raiseEvent/E", "/terminate", "/suspend", "/resume", "/rewind", "/restart")
    for method, tail in (
        ("GET", ""),
        *(("POST", operation) for operation in operations),
        *(("DELETE", ""), ("PUT", ""), ("POST", "/nosuchverb")),
    ):
        body, headers = ("1", JSON) if method == "POST" else (None, None)
        r.request(method, f"{M}/instances/{instance_id}{tail}{Q}", body, headers)


def api_start(r: Recorder) -> None:
    links = r.request("POST", f"{M}/orchestrators/Hello/{r.new_id()}{Q}", '{"k": 1}', JSON).json
    if links and "statusQueryGetUri" in links:
        r.wait(links)
        r.request("GET", links["statusQueryGetUri"])
    r.post(f"{M}/orchestrators/Hello{Q}", label="no id, empty body")
    r.post(f"{M}/orchestrators/NoSuchOrchestrator{Q}", label="unknown function")
    r.post(f"{M}/orchestrators/Hello/bad%23id{Q}", label="id with #")
    r.post(f"{M}/orchestrators/Hello/@starts-with-at{Q}", label="id that starts with @")
    r.request("POST", f"{M}/orchestrators/Hello{Q}", "not json", JSON, "malformed JSON")
    r.request(
        "POST", f"{M}/orchestrators/Hello{Q}", "plain", {"Content-Type": "text/plain"}, "text/plain"
    )
    r.request("GET", f"{M}/orchestrators/Hello{Q}", label="GET")
    r.post(f"{M}/orchestrators/Hello/{'x' * 300}{Q}", label="300-character id")


def api_list(r: Recorder) -> None:
    nothing = f"{M}/instances{Q}&instanceIdPrefix=nosuchprefix"
    r.request("GET", nothing, label="empty page")
    r.request(
        "GET",
        f"{M}/instances{Q}&createdTimeFrom=garbage&instanceIdPrefix=nosuchprefix",
        label="bad time",
    )
    r.request("GET", f"{M}/instances{Q}&top=abc&instanceIdPrefix=nosuchprefix", label="bad top")
    prefix = r.new_id("prefix", "lst")
    for number in range(5):
        r.wait(r.start("Hello", number, f"{prefix}-{number}"))
    listing = f"{M}/instances{Q}&instanceIdPrefix={prefix}"
    reply = r.send("GET", listing + "&showInput=true")
    shown = [
        [i["instanceId"].replace(prefix, "<prefix>"), i["runtimeStatus"], i["input"]]
        for i in reply.json
    ]
    r.note("list by prefix", status=reply.status, body=sorted(shown))
    reply = r.send("GET", listing + "&runtimeStatus=NoSuchStatus")
    r.note("list by prefix and a bad status", status=reply.status, body=len(reply.json))
    reply = r.send("GET", listing + "&top=2")
    token = reply.headers.get("x-ms-continuation-token")
    r.note("first page of 2", status=reply.status, body=len(reply.json), token=bool(token))
    seen = [one["instanceId"] for one in reply.json]
    for _ in range(10):
        if not token:
            break
        reply = r.send("GET", listing + "&top=2", headers={"x-ms-continuation-token": token})
        seen += [one["instanceId"] for one in reply.json]
        token = reply.headers.get("x-ms-continuation-token")
    r.note("all pages", body=[len(seen), len(set(seen))])


def api_purge_many(r: Recorder) -> None:
    r.request("DELETE", f"{M}/instances{Q}", label="no filter")
    times = "createdTimeFrom=2001-01-01T00:00:00Z&createdTimeTo=2001-01-02T00:00:00Z"
    r.request(
        "DELETE", f"{M}/instances{Q}&{times}&runtimeStatus=Completed", label="nothing in range"
    )


def api_entities(r: Recorder) -> None:
    key = r.new_id("key", "e")
    entity = f"{M}/entities/Counter/{key}{Q}"
    r.request("GET", entity, label="missing entity")
    r.request("POST", f"{entity}&op=add", "7", JSON, "signal")
    eventually(lambda: r.send("GET", entity).status == 200, "the entity exists")
    r.request("GET", entity, label="state")
    r.request("POST", f"{M}/entities/NoSuchEntity/{key}{Q}&op=add", "7", JSON, "unknown entity")
    reply = r.send("GET", f"{M}/entities/Counter{Q}&fetchState=true")
    shown: list[Any] = [
        one for one in json.loads(r.normal(reply.text)) if "<key>" in json.dumps(one)
    ]
    r.note("list", status=reply.status, body=shown)
    r.request("POST", f"/api/entity/Counter/{key}/add", "1")
    r.settle("GET", f"/api/entity/Counter/{key}")
    r.request("GET", f"/api/entity/Counter/{key}missing")


def http_echo(r: Recorder) -> None:
    r.request("GET", "/api/echo")
    r.request("GET", "/api/echo/a/b%20c?x=1&x=2&y=%C3%A9", headers={"x-probe": "v"})
    r.request("POST", "/api/echo/x", "body text", {"Content-Type": "text/plain"})
    r.request("PUT", "/api/echo/x", '{"a": 1}', JSON)
    r.request("DELETE", "/api/echo/x?status=204")
    r.request("PATCH", "/api/echo/x?status=418", "")
    r.request("HEAD", "/api/echo/x")
    r.request("OPTIONS", "/api/echo/x")
    r.request("GET", "/API/ECHO/CaseX")
    r.request("GET", "/echo")


def http_routes(r: Recorder) -> None:
    r.request("GET", "/api/getonly")
    r.request("POST", "/api/getonly", "")
    for path in (
        *(
            "int/5",
            "int/five",
            "opt/a",
            "opt/a/b",
            "opt/a/b/c",
            "DefaultRoute",
            "defaultroute",
            "NoSuchFunction",
        ),
        *("named", "str", "none", "raises", "keyed", "keyed?code=wrong", "off", "Hello", "Echo"),
    ):
        r.request("GET", f"/api/{path}")
    r.request("GET", "/api")
    r.request("GET", "/api/")


def http_admin(r: Recorder) -> None:
    for path in (
        "",
        "admin/host/status",
        "admin/host/ping",
        "admin/functions",
        "admin/functions/Hello",
    ):
        r.request("GET", f"/{path}")
    for path in ("robots933456.txt", "favicon.ico", "nosuch"):
        r.request("GET", f"/{path}")


HTTP_CASES: dict[str, Case] = {
    "api/missing-instance": api_missing_instance,
    "api/start": api_start,
    "api/list": api_list,
    "api/purge-many": api_purge_many,
    "api/entities": api_entities,
    "http/echo": http_echo,
    "http/routes": http_routes,
    "http/admin": http_admin,
}
