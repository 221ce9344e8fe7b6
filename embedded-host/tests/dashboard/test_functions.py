from __future__ import annotations

from pathlib import Path

from embedded_host.app.folder import read_app
from embedded_host.dashboard.functions import app_functions, calls
from embedded_host.engine import history as h
from embedded_host.engine.events import HistoryEvent
from embedded_host.store.overview import OrchestratorUse
from embedded_host.workers.loaded_app import LoadedApp
from tests.engine.scenario import T0
from tests.support.app_folder import AppFolder


def test_a_function_that_does_not_load_is_listed_with_the_reason(tmp_path: Path) -> None:
    folder = AppFolder(tmp_path / "app")
    folder.activity("Echo", "return value")
    loaded = LoadedApp(
        read_app(folder.root, {}), broken={"Echo": "it cannot be imported", "Gone": "no such file"}
    )
    functions = {function["name"]: function for function in app_functions(loaded, {})}
    assert (functions["Echo"]["broken"], functions["Echo"]["type"]) == (
        "it cannot be imported",
        "activityTrigger",
    )
    assert (functions["Gone"]["broken"], functions["Gone"]["type"]) == ("no such file", "")


def test_a_long_last_input_is_not_offered(tmp_path: Path) -> None:
    folder = AppFolder(tmp_path / "app")
    folder.orchestrator("Main", "return 1")
    loaded = LoadedApp(read_app(folder.root, {}))
    [short] = app_functions(loaded, {"Main": OrchestratorUse(3, 2_000_000, "1")})
    assert (short["instances"], short["newest"], short["lastInput"]) == (3, 2000, "1")
    [long] = app_functions(loaded, {"Main": OrchestratorUse(3, 2_000_000, "x" * 20_001)})
    assert long["lastInput"] is None


def test_the_calls_of_an_orchestrator_are_those_in_its_histories() -> None:
    first: list[HistoryEvent] = [
        h.task_scheduled(T0, 0, "B"),
        h.task_scheduled(T0, 1, "A"),
        h.task_scheduled(T0, 2, "A"),
    ]
    second: list[HistoryEvent] = [
        h.sub_orchestration_created(T0, 0, "Child", "c", None),
        h.event_sent(T0, 1, "@counter@k", "op", "{}"),
    ]
    assert calls([("Main", first), ("Main", second), ("Other", [])]) == {
        "Main": ["activity A", "activity B", "entity counter", "orchestrator Child"],
        "Other": [],
    }
