"""Lists and purges by filter (functions-host.md#management-routes and #list-and-purge)."""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import replace
from urllib.parse import quote

import pytest

from embedded_host.app.definitions import HostJson
from embedded_host.http import management_responses
from embedded_host.management.parameters import CONTINUATION_TOKEN_HEADER, continuation_token
from embedded_host.parity.findings import Findings
from embedded_host.store.interface import InstanceRow, SaveInstance
from tests.http.api import Api, request
from tests.task_hub.kit import T0

NEEDS_FROM = "Please provide value for 'createdTimeFrom' parameter."


async def ids(api: Api, query: str = "", **headers: str) -> list[str]:
    response = await api.get(f"instances?{query}", **headers)
    assert response.status == 200
    return [item["instanceId"] for item in response.json]


async def started(api: Api, *instance_ids: str, name: str = "Done") -> None:
    for instance_id in instance_ids:
        await api.start(name, quote(instance_id))


# -- lists


async def test_a_list_has_status_objects_in_order_of_id(api: Api) -> None:
    await api.start("Wait", "b", "1")
    await api.start("Done", "a")
    response = await api.get("instances/")
    assert response.headers == {"content-type": "application/json; charset=utf-8"}
    assert [item["instanceId"] for item in response.json] == ["a", "b"]
    assert response.json[1] == (await api.get("instances/b")).json
    assert (await api.get("instances?showInput=False")).json[1]["input"] is None


async def test_an_empty_list_has_no_continuation_token(api: Api) -> None:
    response = await api.get("instances")
    assert (response.status, response.text, CONTINUATION_TOKEN_HEADER in response.headers) == (
        200,
        "[]",
        False,
    )


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("a", ["a", "a%", "a_", "ab"]),
        ("a%", ["a%"]),
        ("a_", ["a_"]),
        ("A", []),
        ("grü", ["grün", "grüß"]),
        ("\U0001f600", ["\U0001f600x"]),
        ("'", ["'quoted"]),
        ("@", ["@counter@k"]),
        ("", ["'quoted", "@counter@k", "a", "a%", "a_", "ab", "grün", "grüß", "\U0001f600x"]),
    ],
)
async def test_instance_id_prefixes_are_literal_and_case_sensitive(
    api: Api, prefix: str, expected: list[str]
) -> None:
    await started(api, "a", "ab", "a%", "a_", "grün", "grüß", "\U0001f600x", "'quoted")
    await api.post("entities/counter/k?op=add")
    assert await ids(api, f"instanceIdPrefix={quote(prefix)}") == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("runtimeStatus=Completed", ["done"]),
        ("runtimeStatus=Completed,Running", ["done", "wait"]),
        ("runtimeStatus=Completed&runtimeStatus=Failed", ["bad", "done"]),
        ("runtimeStatus=Completed,%20Failed&RUNTIMESTATUS=Running", ["bad", "done", "wait"]),
        ("runtimeStatus=1", ["done"]),
        ("runtimeStatus=0,3", ["bad", "wait"]),
        ("runtimeStatus=99", []),
        ("runtimeStatus=completed", ["bad", "done", "wait"]),
        ("runtimeStatus=Nope", ["bad", "done", "wait"]),
        ("runtimeStatus=Nope,Failed", ["bad"]),
        ("runtimeStatus=", ["bad", "done", "wait"]),
        ("runtimeStatus=Pending", []),
    ],
)
async def test_runtime_statuses_filter_by_name_or_number(
    api: Api, query: str, expected: list[str]
) -> None:
    await started(api, "done")
    await started(api, "wait", name="Wait")
    await started(api, "bad", name="Fail")
    assert await ids(api, query) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("createdTimeFrom=2026-01-02T03:04:06Z", ["b", "c"]),
        ("createdTimeTo=2026-01-02T03:04:06Z", ["a", "b"]),
        ("createdTimeFrom=2026-01-02T03:04:06Z&createdTimeTo=2026-01-02T03:04:06.000000Z", ["b"]),
        ("createdTimeFrom=2026-01-02T03:04:06.1Z", ["c"]),
        ("createdTimeFrom=2026-01-02T03:04:06", ["b", "c"]),
        ("createdTimeFrom=2026-01-02%2003:04:06", ["b", "c"]),
        ("createdTimeFrom=2026-01-02T05:04:06%2B02:00", ["b", "c"]),
        ("createdTimeFrom=2026-01-02T05:04:06+02:00", ["b", "c"]),
        ("createdTimeFrom=2026-01-02T05:04:06+0200", ["b", "c"]),
        ("createdTimeFrom=2026-01-02T01:04:06-02:00", ["b", "c"]),
        ("createdTimeFrom=2026-01-02", ["a", "b", "c"]),
        ("createdTimeFrom=2026-01-03", []),
        ("createdTimeFrom=01/02/2026%2003:04:06", ["b", "c"]),
        ("createdTimeFrom=Fri,%2002%20Jan%202026%2003:04:06%20GMT", ["b", "c"]),
        ("createdTimeFrom=garbage", ["a", "b", "c"]),
        ("createdTimeFrom=2026-13-45", ["a", "b", "c"]),
        ("createdTimeFrom=0001-01-01T00:00:00%2B05:00", ["a", "b", "c"]),
        ("createdTimeFrom=9999-12-31T23:59:59-05:00", ["a", "b", "c"]),
        ("createdTimeTo=0001-01-01T00:00:00Z", []),
        ("createdTimeFrom=%C2%B2", ["a", "b", "c"]),
    ],
)
async def test_created_times_filter_in_all_usual_formats(
    api: Api, query: str, expected: list[str]
) -> None:
    for instance_id in "abc":
        await started(api, instance_id)
        api.host.clock.advance(1)
    assert await ids(api, query) == expected


async def test_pages_follow_each_other_by_continuation_token(api: Api) -> None:
    names = ["a", "b%", "ß", "z", "\U0001f600"]
    await started(api, *names)
    seen: list[list[str]] = []
    headers: dict[str, str] = {}
    while True:
        response = await api.get("instances?top=2", **headers)
        seen.append([item["instanceId"] for item in response.json])
        if CONTINUATION_TOKEN_HEADER not in response.headers:
            break
        assert response.headers[CONTINUATION_TOKEN_HEADER].isascii()
        headers = {CONTINUATION_TOKEN_HEADER: response.headers[CONTINUATION_TOKEN_HEADER]}
    assert seen == [["a", "b%"], ["z", "ß"], ["\U0001f600"]]
    assert CONTINUATION_TOKEN_HEADER not in (await api.get("instances?top=5")).headers


@pytest.mark.parametrize(
    "top", ["0", "-1", "abc", "", "1e2", "²", "99999999999", "9" * 400, "2147483648", "1.5"]
)
async def test_an_invalid_top_is_100(api: Api, top: str) -> None:
    row = InstanceRow(0, "Hub", "", "Done", "Completed", T0, T0, "")
    api.host.store.write(
        [SaveInstance(replace(row, key=1000 + n, id=f"i{n:03}")) for n in range(101)]
    )
    response = await api.get(f"instances?top={quote(top)}")
    assert (len(response.json), CONTINUATION_TOKEN_HEADER in response.headers) == (100, True)


@pytest.mark.parametrize("top", ["2147483647", "%202", "+2", "%2B2"])
async def test_a_valid_top_is_accepted_in_all_spellings(api: Api, top: str) -> None:
    await started(api, "a", "b")
    assert await ids(api, f"top={top}") == ["a", "b"]


@pytest.mark.parametrize("kind", ["instances", "entities"])
async def test_a_long_page_yields_to_the_event_loop(
    api: Api, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(management_responses, "ROWS_PER_ROUND", 2)
    for number in range(7):
        if kind == "instances":
            await api.start("Done", f"i-{number}")
        else:
            await api.post(f"entities/counter/{number}?op=add")
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.ensure_future(other())
    await asyncio.sleep(0)
    before = turns
    sent = request("GET", f"/{kind}")
    assert len(json.loads((await api.management.handle(sent, f"/{kind}")).body)) == 7
    task.cancel()
    assert turns - before == 3


def token(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


@pytest.mark.parametrize(
    "garbage",
    [
        *(
            "",
            "null",
            "!!!",
            "é",
            "AAAA",
            token([]),
            token({"after": 1}),
            token({"before": "a"}),
            token("after"),
        ),
        *(
            token({"after": "\ud800"}),
            base64.b64encode(b"[" * 5000).decode(),
            "bnVsbA==",
            "/w==",
            "_w==",
        ),
    ],
)
async def test_an_invalid_token_returns_the_first_page(api: Api, garbage: str) -> None:
    await started(api, "a", "b")
    assert await ids(api, **{CONTINUATION_TOKEN_HEADER: garbage}) == ["a", "b"]


async def test_a_token_of_a_deleted_instance_continues_after_its_id(api: Api) -> None:
    await started(api, "a", "c")
    assert await ids(api, **{CONTINUATION_TOKEN_HEADER: continuation_token("b")}) == ["c"]


# -- purges


async def purge(api: Api, query: str) -> tuple[int, object]:
    response = await api.request("DELETE", f"instances?{query}")
    return response.status, response.json if response.response.body else None


async def everything(api: Api) -> list[str]:
    await started(api, "done")
    await started(api, "wait", name="Wait")
    await started(api, "bad", name="Fail")
    await api.post("entities/counter/k?op=add")
    return await ids(api)


@pytest.mark.parametrize(
    ("query", "deleted"),
    [
        ("", {"done", "bad"}),
        ("&runtimeStatus=Completed", {"done"}),
        ("&runtimeStatus=Completed&runtimeStatus=3", {"done", "bad"}),
        ("&runtimeStatus=", {"done", "bad"}),
        ("&createdTimeTo=2026-01-02T03:04:05Z", {"done", "bad"}),
        ("&createdTimeTo=", {"done", "bad"}),
        ("&runtimeStatus=Completed,Nope", {"done"}),
        ("&runtimeStatus=Completed&runtimeStatus=Pending", {"done"}),
    ],
)
async def test_a_purge_deletes_the_finished_instances_of_the_filter(
    api: Api, query: str, deleted: set[str]
) -> None:
    before = await everything(api)
    assert await purge(api, f"createdTimeFrom=2026-01-02T03:04:05Z{query}") == (
        200,
        {"instancesDeleted": len(deleted)},
    )
    assert set(await ids(api)) == set(before) - deleted


@pytest.mark.parametrize(
    "query", ["&runtimeStatus=Terminated", "&createdTimeTo=2025-01-01", "&runtimeStatus=4,5"]
)
async def test_a_purge_without_matching_instances_is_404(api: Api, query: str) -> None:
    before = await everything(api)
    response = await api.request("DELETE", f"instances?createdTimeFrom=2020-01-01{query}")
    assert (response.status, response.empty) == (404, True)
    assert await ids(api) == before


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", NEEDS_FROM),
        ("createdTimeFrom=", NEEDS_FROM),
        ("createdTimeFrom=%20&runtimeStatus=Completed", NEEDS_FROM),
        ("createdTimeFrom=yesterday", NEEDS_FROM),
        (
            "createdTimeFrom=2020-01-01&createdTimeTo=2020-13-01",
            "'createdTimeTo' is not a date and time: '2020-13-01'. Nothing was deleted.",
        ),
        *(
            (
                f"createdTimeFrom=2020-01-01&runtimeStatus={status}",
                "'runtimeStatus' must contain at least one of Completed, Failed, Terminated, "
                f"Canceled, but it is '{status}'. Only finished instances can be purged. Nothing "
                "was deleted.",
            )
            for status in ("Running", "completed", "0", "99", "Suspended,Nope", ",")
        ),
    ],
)
async def test_a_purge_with_an_invalid_filter_deletes_nothing(
    api: Api, query: str, message: str
) -> None:
    before = await everything(api)
    assert await purge(api, query) == (400, message)
    assert await ids(api) == before


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["EH876"]),
        ("&runtimeStatus=Running", ["EH876"]),
        ("&runtimeStatus=Completed", []),
        ("&runtimeStatus=Completed&createdTimeTo=never", ["EH876"]),
    ],
)
async def test_a_filter_with_which_azure_deletes_more_is_a_finding(
    query: str, found: list[str]
) -> None:
    findings = Findings(HostJson())
    api = Api(findings)
    before = await everything(api)
    assert (await purge(api, f"createdTimeFrom=2020-01-01{query}"))[0] in (200, 400)
    assert {finding.kind.code for finding in findings} == set(found)
    assert "wait" in await ids(api)
    assert len(before) == 4
    await api.host.kill()


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ("", set[str]()),
        ("&runtimeStatus=Running,Nope", set[str]()),
        ("&runtimeStatus=Completed,Running", {"@counter@k", "bad", "wait"}),
        ("&runtimeStatus=Completed&createdTimeTo=never", {"@counter@k", "bad", "wait"}),
    ],
)
async def test_a_strict_purge_deletes_as_much_as_azure(query: str, left: set[str]) -> None:
    api = Api(strict=True)
    await everything(api)
    deleted = {"instancesDeleted": 4 - len(left)}
    assert await purge(api, f"createdTimeFrom=2020-01-01{query}") == (200, deleted)
    assert set(await ids(api)) == left
    await api.host.kill()
