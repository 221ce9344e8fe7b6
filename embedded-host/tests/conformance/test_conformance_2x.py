"""Compare the embedded host with the recordings of the Azure Functions host with SDK 2.x.

golden-2x.json has the responses, intended-2x.json the intended differences, and unstable-2x.json
the steps in which two recordings of the Azure Functions host differ. wire-2x.json has the turns.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.cases_2x import cases_2x
from tests.conformance.comparison import check_steps
from tests.conformance.probe_app_2x import probe_app_2x
from tests.conformance.recorder import Recorder
from tests.support.running_host import RunningHost
from tests.support.sdk2 import NEEDS_SDK_2

HERE = Path(__file__).parent


def _data(name: str) -> Any:
    return json.loads((HERE / name).read_text(encoding="utf-8"))


RECORDED: dict[str, list[dict[str, Any]]] = _data("golden-2x.json")
CASES = cases_2x(list(RECORDED))
INTENDED: dict[tuple[str, int | None], str] = {
    (entry["case"], entry["step"]): entry["why"] for entry in _data("intended-2x.json")
}
"""The reason for each case, or step of a case, that is not compared."""
UNSTABLE = {(case, step) for case, step in _data("unstable-2x.json")}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHost]:
    folder = tmp_path_factory.mktemp("conformance")
    # The activity "Flaky" of the probe app counts its attempts in the folder for temporary files.
    with RunningHost(
        probe_app_2x(folder / "app").root, folder / "state", TMPDIR=str(folder), TEMP=str(folder)
    ) as host:
        yield host


def record(host: RunningHost, case: str) -> list[dict[str, Any]]:
    recorder = Recorder(f"http://127.0.0.1:{host.port}", RECORDED[case])
    CASES[case](recorder)
    return recorder.steps


@NEEDS_SDK_2
@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, marks=pytest.mark.skip(reason=INTENDED[(case, None)]))
        if (case, None) in INTENDED
        else case
        for case in RECORDED
    ],
)
def test_responses_match_the_recording(host: RunningHost, case: str) -> None:
    check_steps(case, RECORDED[case], record(host, case), {*UNSTABLE, *INTENDED})


@pytest.mark.unit
def test_every_skip_names_a_recorded_step_and_has_a_reason() -> None:
    for case, step in {*INTENDED, *UNSTABLE}:
        assert step is None or step < len(RECORDED[case])
        assert case in RECORDED
    assert all(INTENDED.values())


# -- intended differences --------------------------------------------------------------------------


@NEEDS_SDK_2
@pytest.mark.parametrize(
    ("case", "missing", "known"),
    [
        ("orch/Unknown", "NoSuchActivity", "Echo"),
        ("orch/UnknownSub", "NoSuchOrchestrator", "Hello"),
    ],
)
def test_a_missing_function_fails_the_call_and_names_the_known_functions(
    host: RunningHost, case: str, missing: str, known: str
) -> None:
    final = record(host, case)[0]["body"]
    assert final["runtimeStatus"] == "Failed"
    assert missing in final["output"]
    assert known in final["output"]


@NEEDS_SDK_2
def test_call_http_works(host: RunningHost) -> None:
    final = record(host, "orch/CallHttp")[0]["body"]
    assert (final["runtimeStatus"], final["output"]) == ("Completed", {"status": 200})


@NEEDS_SDK_2
def test_termination_reaches_the_children(host: RunningHost) -> None:
    parent, child = record(host, "native/terminate-recursive")[1:]
    assert parent["body"]["runtimeStatus"] == child["body"]["runtimeStatus"] == "Terminated"


@NEEDS_SDK_2
def test_an_instance_with_a_newer_version_runs(host: RunningHost) -> None:
    state = record(host, "native/version-newer-than-the-host's")[2]["body"]["result"]
    assert state["runtimeStatus"] in ("RUNNING", "COMPLETED")
