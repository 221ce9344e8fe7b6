"""The script for whoever has a real host, tried on the embedded one: it finds what differs there on purpose, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.recorder import Recorder, Reply
from tests.functions_host import driving
from tests.functions_host.__main__ import REQUIREMENTS, main
from tests.support.app_folder import AppFolder
from tests.support.running_host import RunningHost

Output = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHost]:
    folder = tmp_path_factory.mktemp("real-host")
    assert main(["write-app", str(folder / "app")]) == 0
    with RunningHost(
        folder / "app", folder / "state", TMPDIR=str(folder), TEMP=str(folder)
    ) as host:
        yield host


def test_the_app_is_one_that_a_real_host_takes(host: RunningHost) -> None:
    assert (
        json.loads((host.root / "host.json").read_text(encoding="utf-8"))["extensionBundle"][
            "version"
        ]
        == "[4.*, 5.0.0)"
    )
    assert (host.root / "requirements.txt").read_text(encoding="utf-8") == REQUIREMENTS.read_text(
        encoding="utf-8"
    )


def test_answers_that_match_the_recording(host: RunningHost, capsys: Output) -> None:
    assert main([host.base, "--only", "http/echo"]) == 0
    out = capsys.readouterr().out
    assert "keys are not asked for; 1 cases" in out
    assert out.splitlines()[-1].endswith("steps are as recorded (100.0 %)")


def test_differences_are_named(host: RunningHost, capsys: Output) -> None:
    """The embedded host's home page is its own: the one intended difference among these."""
    assert main([host.base, "--only", "http/admin"]) == 1
    lines = capsys.readouterr().out.splitlines()[1:-1]
    assert lines
    assert all(line.startswith("http/admin [0] GET /: ") for line in lines)


def test_a_difference_is_found(
    host: RunningHost, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = driving.recorded("http/echo")
    changed["http/echo"][0]["status"] = 299
    monkeypatch.setattr("tests.functions_host.__main__.recorded", lambda only: changed)
    assert main([host.base]) == 1
    assert "http/echo [0] " in capsys.readouterr().out


def test_a_host_with_another_app(tmp_path: Path, capsys: Output) -> None:
    app = AppFolder(tmp_path / "app")
    app.http("Greet", "def main(req): return 'hello'", "greet", "get")
    with RunningHost(app.root, tmp_path / "state", "--no-reload") as other:
        assert main([other.base]) == 2
    assert "does not serve the probe app" in capsys.readouterr().err


def test_no_host_answers(capsys: Output) -> None:
    assert main(["http://127.0.0.1:9"]) == 2
    assert "does not answer" in capsys.readouterr().err


def test_an_app_is_not_written_over(tmp_path: Path, capsys: Output) -> None:
    (tmp_path / "host.json").touch()
    assert main(["write-app", str(tmp_path)]) == 2
    assert main(["write-app"]) == 2
    assert (
        capsys.readouterr().err.count("write-app needs a folder that is empty or not there yet")
        == 2
    )
    assert [path.name for path in tmp_path.iterdir()] == ["host.json"]


def test_a_key_is_found_and_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def send(
        self: object, method: str, path: str, body: object = None, headers: object = None
    ) -> Reply:
        asked.append(path)
        return Reply(
            202,
            {},
            json.dumps({"id": "1", "statusQueryGetUri": "http://h/x?taskHub=H&code=s%3D&y=1"}),
        )

    monkeypatch.setattr(Recorder, "send", send)
    key = driving.find_key("http://h")
    assert key == "s%3D"
    recorder = driving.RealHostRecorder("http://h", [], key)
    recorder.send("GET", "/runtime/webhooks/durabletask/instances?top=1")
    recorder.send("GET", "/runtime/webhooks/durabletask/instances/1?code=own")
    recorder.send("GET", "/admin/host/status")
    assert asked[1:] == [
        "/runtime/webhooks/durabletask/instances?top=1&code=s%3D",
        "/runtime/webhooks/durabletask/instances/1?code=own",
        "/admin/host/status",
    ]
