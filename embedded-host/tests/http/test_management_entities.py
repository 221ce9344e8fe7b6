"""Entities over the management API (functions-host.md#management-routes and #payload-encoding)."""

from __future__ import annotations

import pytest

from embedded_host.management.parameters import CONTINUATION_TOKEN_HEADER
from tests.http.api import Api


async def test_a_signalled_entity_has_a_state(api: Api) -> None:
    response = await api.post("Entities/Counter/k?op=add")
    assert (response.status, response.empty) == (202, True)
    await api.post("entities/COUNTER/k?OP=add", None)
    response = await api.get("entities/counter/k")
    assert (response.status, response.text) == (200, "2")
    assert response.headers == {"content-type": "application/json; charset=utf-8"}
    response = await api.get("entities/counter/other")
    assert (response.status, response.empty) == (404, True)


async def test_keys_are_form_decoded_and_case_sensitive(api: Api) -> None:
    await api.post("entities/counter/a+b%23?op=add")
    assert (await api.get("entities/counter/a%20b%23")).status == 200
    assert (await api.get("entities/counter/A%20b%23")).status == 404


async def test_the_key_dollar_reads_the_empty_key(api: Api) -> None:
    await api.post("entities/counter/$?op=add")
    assert (await api.get("entities/counter/$")).status == 404
    assert [e["entityId"]["key"] for e in (await api.get("entities/counter")).json] == ["$"]


async def test_a_signal_to_an_unknown_entity_is_400(api: Api) -> None:
    for method in ("POST", "DELETE"):
        response = await api.request(method, "entities/NoSuch/k?op=add")
        assert (response.status, response.json) == (
            400,
            {
                "Message": "The function 'nosuch' doesn't exist, is disabled, or is not an entity "
                "function. Additional info: The following are the known entity functions: "
                "'Counter'."
            },
        )


async def operation(api: Api, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str | None]]:
    sent: list[tuple[str, str | None]] = []

    async def signal(entity: object, operation: str, input: str | None) -> None:
        sent.append((operation, input))

    monkeypatch.setattr(api.host.client, "signal_entity", signal)
    return sent


@pytest.mark.parametrize(
    ("body", "kind", "input"),
    [
        (b"", "application/json", None),
        (None, "application/json", None),
        (b'{"n": 2}', "application/json; charset=utf-8", '{"n":2}'),
        (b"1.0", "Application/JSON", "1.0"),
        (b'{"n": 2}', "text/plain", '{"n": 2}'),
        (b"plain", "", "plain"),
    ],
)
async def test_the_input_of_a_signal_is_compact_json_or_the_raw_string(
    api: Api, monkeypatch: pytest.MonkeyPatch, body: bytes | None, kind: str, input: str
) -> None:
    sent = await operation(api, monkeypatch)
    assert (await api.post("entities/counter/k?op=set", body, Content_Type=kind)).status == 202
    assert (await api.post("entities/counter/k", body, Content_Type=kind)).status == 202
    assert sent == [("set", input), ("", input)]


async def test_delete_signals_the_operation_delete(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = await operation(api, monkeypatch)
    response = await api.request("DELETE", "entities/counter/k?op=add")
    assert (response.status, response.empty, sent) == (202, True, [("delete", None)])


@pytest.mark.parametrize("body", ["nope", "[" * 100_000 + "]" * 100_000])
async def test_a_signal_with_invalid_json_is_400(api: Api, body: str) -> None:
    response = await api.post("entities/counter/k?op=add", body)
    assert response.status == 400
    assert list(response.json) == ["Message"]
    assert response.json["Message"].startswith("Could not parse JSON content: ")
    assert (await api.get("entities/counter/k")).status == 404


async def test_a_signal_to_the_id_of_an_orchestration_is_400(api: Api) -> None:
    await api.start("Wait", "@counter@k")
    response = await api.post("entities/counter/k?op=add")
    assert (response.status, response.json) == (
        400,
        {"Message": "'@counter@k' is the id of an orchestration."},
    )
    assert (await api.get("entities/counter/k")).status == 404
    assert (await api.get("entities")).json == []


async def test_entities_are_listed_by_name_state_and_time(api: Api) -> None:
    await api.post("entities/counter/b?op=add")
    api.host.clock.advance(0.25)
    await api.post("entities/counter/a?op=add")
    await api.start("Done", "i-1")
    response = await api.get("entities/COUNTER?fetchState=True")
    assert response.text == (
        '[{"entityId":{"name":"counter","key":"a"},"lastOperationTime":"2026-01-02T03:04:05.25Z","state":1},'
        '{"entityId":{"name":"counter","key":"b"},"lastOperationTime":"2026-01-02T03:04:05Z","state":1}]'
    )
    assert [e["state"] for e in (await api.get("entities/")).json] == [None, None]
    assert (await api.get("entities/other")).json == []
    assert (await api.get("entities/count")).json == []
    later = "lastOperationTimeFrom=2026-01-02T03:04:05.2Z"
    assert [e["entityId"]["key"] for e in (await api.get(f"entities?{later}")).json] == ["a"]
    earlier = "lastOperationTimeTo=2026-01-02T03:04:05Z"
    assert [e["entityId"]["key"] for e in (await api.get(f"entities?{earlier}")).json] == ["b"]


async def test_entity_pages_follow_each_other_by_continuation_token(api: Api) -> None:
    for key in "abc":
        await api.post(f"entities/counter/{key}?op=add")
    first = await api.get("entities?top=2")
    assert [e["entityId"]["key"] for e in first.json] == ["a", "b"]
    rest = await api.get(
        "entities?top=2", **{CONTINUATION_TOKEN_HEADER: first.headers[CONTINUATION_TOKEN_HEADER]}
    )
    assert [e["entityId"]["key"] for e in rest.json] == ["c"]
    assert CONTINUATION_TOKEN_HEADER not in rest.headers


async def test_a_failed_first_operation_leaves_a_null_state(api: Api) -> None:
    def broken(context: object) -> None:
        raise ValueError("no")

    import azure.durable_functions as df

    api.host.invoker.entities["Counter"] = df.Entity.create(broken)
    await api.post("entities/counter/k?op=add")
    response = await api.get("entities/counter/k")
    assert (response.status, response.text) == (200, "null")
