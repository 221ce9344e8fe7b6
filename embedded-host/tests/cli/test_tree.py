from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from embedded_host.cli.tree import TreeLine
from embedded_host.engine import history as h
from embedded_host.engine.entity_messages import request_message
from embedded_host.store.interface import AppendHistory, SetAwaited
from tests.cli.calling import call
from tests.cli.conftest import CallHost
from tests.cli.states import after, entity, instance, started, write_state
from tests.support.running_host import RunningHost


@pytest.fixture
def tree_state(tmp_path: Path) -> Path:
    """Return a state folder with a parent, three children and an entity."""
    add = request_message(
        request_id="r", operation="add", input=None, signal=False, now=after(1), parent="a"
    )
    return write_state(
        tmp_path,
        instance(1, "a", "Running", None),
        AppendHistory(
            1,
            0,
            (
                started("a"),
                h.sub_orchestration_created(after(1), 0, "Child", "a:1", None),
                h.sub_orchestration_created(after(1), 1, "Child", "a:2", None),
                h.sub_orchestration_created(after(1), 2, "Child", "gone", None),
                h.event_sent(after(1), 3, "@counter@visits", "op", add),
            ),
        ),
        instance(2, "a:1", "Failed", "ValueError: it broke\nmore", seconds=2.5),
        instance(3, "a:2", "Running", None),
        AppendHistory(3, 0, (started("a:2"),)),
        SetAwaited(3, [("event", "Go")]),
        *entity(4, "counter", "visits", "5"),
    )


def test_each_line_of_a_tree_has_the_state_and_the_times(tree_state: Path) -> None:
    start = "2026-01-02T03:04:05Z"
    called = call("tree", "--id", "a", "--state", tree_state)
    assert called.out.splitlines() == [
        f"Order 'a', Running, started {start}, waits for the response of the entity "
        "'@counter@visits' to 'add' since 2026-01-02T03:04:06Z; 3 sub-orchestrations",
        "|- entity '@counter@visits', state 5, last operation 2026-01-02T03:04:06Z, "
        "no response to 'add' since 2026-01-02T03:04:06Z",
        f"|- Order 'a:1', Failed, started {start}, took 2.5 s, ValueError: it broke",
        f"|- Order 'a:2', Running, started {start}, waits for the external event 'Go' since "
        f"{start}",
        "`- Child 'gone', purged, started 2026-01-02T03:04:06Z",
    ]


def test_the_json_of_a_tree_has_all_members(tree_state: Path) -> None:
    document = call("tree", "--id", "a", "--state", tree_state, "--json").json
    assert [child["instanceId"] for child in document["children"]] == ["a:1", "a:2", "gone"]
    assert document["children"][1]["children"] == []
    assert document["entities"][0]["state"] == "5"
    assert document["truncated"] == 0


def test_an_unknown_id_and_an_entity_have_no_tree(tree_state: Path) -> None:
    for id in ("none", "@counter@visits"):
        called = call("tree", "--id", id, "--state", tree_state)
        assert (called.code, called.out) == (3, "")
        assert "[EH510]" in called.err


def test_a_narrow_line_is_broken_between_words_and_never_in_an_id() -> None:
    id = "0123456789abcdef" * 3
    line = TreeLine("├─ ", "│  ", f"Order '{id}', Running, waits for the event 'Go'", "Running")
    assert line.wrapped(40) == [
        "├─ Order",
        f"│    '{id}',",
        "│    Running, waits for the event 'Go'",
    ]
    assert line.wrapped(None) == [line.first + line.text]


@pytest.mark.process
def test_a_running_host_returns_its_tree(host: RunningHost, call_host: CallHost) -> None:
    links = host.start("Event", None, uuid4().hex)
    host.until(links, "Running")
    document = call_host("tree", "--id", links["id"], "--json").json
    assert document["waitsFor"].startswith("the external event 'Approval'")
    assert call_host("tree", "--id", "none").code == 3
