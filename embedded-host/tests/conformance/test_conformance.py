"""Compare the embedded host with the recordings of the Azure Functions host.

golden.json has the recordings (Durable extension 3.19.0). These steps are not compared:

- the steps and cases in intended.json, which have an intended difference and its reason
- the steps in unstable.json, in which two recordings of the Azure Functions host differ
- the steps in keys-only.json, which require a host with access keys (--auth)
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.cases import CASES
from tests.conformance.cases_http import HTTP_CASES
from tests.conformance.comparison import check_steps
from tests.conformance.probe_app import probe_app
from tests.conformance.recorder import Recorder
from tests.support.running_host import RunningHost

HERE = Path(__file__).parent


def _data(name: str) -> Any:
    return json.loads((HERE / name).read_text(encoding="utf-8"))


RECORDED: dict[str, list[dict[str, Any]]] = _data("golden.json")
ALL_CASES = CASES | HTTP_CASES
WHOLE_CASES: dict[str, str] = {
    entry["case"]: entry["why"] for entry in _data("intended.json") if entry["step"] is None
}
"""The reason for each case that is not compared."""
NEEDS_DURABLE = {"client/calls": ("1.2.9", "suspend and resume")}
"""The arguments of ``needs_durable`` for cases that old SDKs do not support."""
STEPS: dict[tuple[str, int], str] = {
    **{
        (entry["case"], entry["step"]): entry["why"]
        for entry in _data("intended.json")
        if entry["step"] is not None
    },
    **dict.fromkeys(
        map(tuple, _data("unstable.json")), "two recordings of the Azure Functions host differ here"
    ),
    **dict.fromkeys(map(tuple, _data("keys-only.json")), "requires a host with access keys"),
}
"""The reason for each step that is not compared."""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHost]:
    folder = tmp_path_factory.mktemp("conformance")
    # The activity "Flaky" of the probe app counts its attempts in the folder for temporary files.
    with RunningHost(
        probe_app(folder / "app").root, folder / "state", TMPDIR=str(folder), TEMP=str(folder)
    ) as host:
        yield host


def record(host: RunningHost, case: str) -> list[dict[str, Any]]:
    recorder = Recorder(f"http://127.0.0.1:{host.port}", RECORDED[case])
    ALL_CASES[case](recorder)
    return recorder.steps


def _compared() -> list[Any]:
    return [
        pytest.param(case, marks=pytest.mark.skip(reason=WHOLE_CASES[case]))
        if case in WHOLE_CASES
        else pytest.param(case, marks=pytest.mark.needs_durable(*NEEDS_DURABLE[case]))
        if case in NEEDS_DURABLE
        else case
        for case in RECORDED
    ]


@pytest.mark.parametrize("case", _compared())
def test_responses_match_the_recording(host: RunningHost, case: str) -> None:
    check_steps(case, RECORDED[case], record(host, case), set(STEPS))


def test_every_recorded_case_is_run_and_every_skip_has_a_reason() -> None:
    assert set(ALL_CASES) == set(RECORDED)
    assert set(WHOLE_CASES) <= set(RECORDED)
    assert all(step < len(RECORDED[case]) for case, step in STEPS)
    assert all((*WHOLE_CASES.values(), *STEPS.values()))


# -- intended differences --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "missing", "known"),
    [
        ("orch/Unknown", "NoSuchActivity", "'Echo'"),
        ("orch/UnknownSub", "NoSuchOrchestrator", "'Hello'"),
    ],
)
def test_a_missing_function_fails_the_call_at_once(
    host: RunningHost, case: str, missing: str, known: str
) -> None:
    final = record(host, case)[0]["body"]
    assert final["runtimeStatus"] == "Failed"
    assert f"The function '{missing}' doesn't exist" in final["output"]
    assert known in final["output"]


def test_the_home_page_is_html(host: RunningHost) -> None:
    home = host.get("/")
    assert home.status == 200
    assert home.headers["content-type"].startswith("text/html")
