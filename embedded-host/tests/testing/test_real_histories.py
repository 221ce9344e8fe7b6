"""Replay of histories of the Azure Functions host, with the code that the host ran."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from embedded_host.testing import DurableApp, HistoryMismatchError
from tests.conformance.probe_app import probe_app

WIRE = json.loads(
    (Path(__file__).parents[1] / "protocols" / "v1" / "wire.json").read_text(encoding="utf-8")
)
TURNS: dict[str, list[dict[str, Any]]] = WIRE["orchestrations"]


@pytest.fixture(scope="module")
def probe_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return probe_app(tmp_path_factory.mktemp("probe") / "app").root


@pytest.mark.parametrize("instance_id", list(TURNS))
def test_a_history_of_the_functions_host_matches_the_same_code(
    probe_root: Path, instance_id: str
) -> None:
    last = TURNS[instance_id][-1]
    history = last["request"]["history"]
    with DurableApp(probe_root) as app:
        replayed = app.replay(json.loads(json.dumps(history)))
    assert replayed.turns >= 1
    if (
        last["response"].get("isDone")
        and replayed.is_finished
        and last["response"].get("output") is not None
    ):
        assert replayed.output == last["response"]["output"]


def test_a_history_of_the_functions_host_does_not_match_other_code(probe_root: Path) -> None:
    history = TURNS["Chain-1"][-1]["request"]["history"]
    with (
        DurableApp(probe_root) as app,
        pytest.raises(HistoryMismatchError, match="differs at step 1"),
    ):
        app.replay(history, name="Timer")
