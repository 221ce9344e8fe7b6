"""Lists of instances that are selected by their values, or sorted by another value than the id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from embedded_host.cli.found_instances import found_on_host, needs_search
from embedded_host.cli.reader import Json
from embedded_host.cli.state_file import StateFile
from embedded_host.engine import history as h
from embedded_host.store.interface import InstanceQuery, SaveInstance, SetInput
from tests.cli.calling import call
from tests.cli.states import after, instance, write_state

ALL = InstanceQuery()


@pytest.fixture
def state(tmp_path: Path) -> StateFile:
    child = replace(instance(4, "d", seconds=2).row, name="Ship")
    child = replace(child, parent=h.parent_instance("Order", "a", "e", 0))
    changes = (
        instance(1, "a"),
        SetInput(1, '{"city":"Tokyo"}'),
        instance(2, "b", "Failed", "it broke", seconds=20),
        instance(3, "c", "Running", None),
        SaveInstance(child),
    )
    return StateFile(write_state(tmp_path, *changes) / "state.db")


def found(state: StateFile, query: InstanceQuery, order: str | None = None) -> list[str]:
    return [item.instance_id for item in state.instances(query, 10, order=order).items]


def test_a_state_file_is_searched_and_sorted(state: StateFile) -> None:
    assert found(state, replace(ALL, search="TOKYO")) == ["a"]
    assert found(state, replace(ALL, failed_with="broke")) == ["b"]
    assert found(state, replace(ALL, name="Ship")) == ["d"]
    assert found(state, replace(ALL, parent_id="a")) == ["d"]
    assert found(state, replace(ALL, top_level=True)) == ["a", "b", "c"]
    assert found(state, ALL, "-lastUpdatedTime") == ["b", "c", "a", "d"]
    assert found(state, replace(ALL, statuses=("Completed",)), "duration") == ["d", "a"]


def test_the_command_lists_the_found_instances_with_their_errors(state: StateFile) -> None:
    folder = state.path.parent
    listed = call("get-instances", "--state", folder, "--order", "-LASTUPDATEDTIME", "--limit", 2)
    lines = listed.out.splitlines()
    assert lines[0].split()[-1] == "error"
    assert [line.split()[0] for line in lines[1:]] == ["b", "c"]
    assert lines[1].endswith("  it broke")
    found = call("get-instances", "--state", folder, "--failed-with", "BROKE", "--json").json
    assert [item["instanceId"] for item in found["instances"]] == ["b"]
    assert "error" not in call("get-instances", "--state", folder, "--name", "Ship").out
    refused = call("get-instances", "--state", folder, "--order", "age")
    assert "'age' is not one of createdTime" in refused.err


def test_a_found_instance_has_the_status_of_the_management_api(state: StateFile) -> None:
    for id in ("a", "b", "d"):
        [item] = state.instances(replace(ALL, search=id, id_prefix=id), 1).items
        known = state.instance(id)
        assert known is not None
        assert item.document == known.document
        assert list(item.document) == list(known.document)


def test_the_token_continues_after_the_page(state: StateFile) -> None:
    first = state.instances(ALL, 3, order="-id")
    assert [item.instance_id for item in first.items] == ["d", "c", "b"]
    rest = state.instances(ALL, 3, first.token, order="-id")
    assert ([item.instance_id for item in rest.items], rest.token) == (["a"], None)
    assert len(state.instances(ALL, 9, "invalid", order="-id").items) == 4


def test_only_conditions_that_the_management_api_lacks_need_a_search() -> None:
    assert not needs_search(replace(ALL, id_prefix="a", statuses=("Failed",)), None)
    assert needs_search(ALL, "id")
    for condition in ("name", "search", "failed_with", "cause", "parent_id"):
        assert needs_search(replace(ALL, **{condition: "a"}), None)  # type: ignore[arg-type]
    assert needs_search(replace(ALL, top_level=True), None)


def test_the_pages_of_a_host_are_requested_until_enough_instances_are_found() -> None:
    requests: list[Mapping[str, str]] = []
    created = after(0).timestamp() * 1000

    def get(parameters: Mapping[str, str]) -> Json:
        requests.append(parameters)
        first, count = int(parameters["offset"]), int(parameters["limit"])
        numbers = range(first, min(first + count, 1500))
        row = {"name": "F", "status": "Failed", "created": created, "updated": created}
        values = {"output": "broken", "input": "1", "customStatus": None}
        return {"rows": [{"id": f"i-{n}", **row, **values} for n in numbers]}

    query = replace(ALL, statuses=("Failed",), created_from=after(0), search="é", parent_id="p")
    page = found_on_host(get, query, "-duration", 1200, None)
    assert [request["limit"] for request in requests] == ["1000", "201"]
    assert requests[0] == {
        "status": "Failed",
        "from": "2026-01-02T03:04:05Z",
        "search": "é",
        "parent": "p",
        "order": "-duration",
        "values": "true",
        "offset": "0",
        "limit": "1000",
    }
    assert (len(page.items), page.items[0].document) == (
        1200,
        {
            "name": "F",
            "instanceId": "i-0",
            "runtimeStatus": "Failed",
            "input": 1,
            "customStatus": None,
            "output": "broken",
            "createdTime": "2026-01-02T03:04:05Z",
            "lastUpdatedTime": "2026-01-02T03:04:05Z",
        },
    )
    rest = found_on_host(get, query, "-duration", 1200, page.token)
    assert (len(rest.items), rest.items[0].instance_id, rest.token) == (300, "i-1200", None)
