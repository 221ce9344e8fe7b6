"""The comparison with the recordings, run against the embedded host."""

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


def test_the_probe_app_has_the_extension_bundle_and_requirements_of_a_real_app(
    host: RunningHost,
) -> None:
    assert (
        json.loads((host.root / "host.json").read_text(encoding="utf-8"))["extensionBundle"][
            "version"
        ]
        == "[4.*, 5.0.0)"
    )
    assert (host.root / "requirements.txt").read_text(encoding="utf-8") == REQUIREMENTS.read_text(
        encoding="utf-8"
    )


def test_responses_that_match_the_recording_have_no_differences(
    host: RunningHost, capsys: Output
) -> None:
    assert main([host.base, "--only", "http/echo"]) == 0
    out = capsys.readouterr().out
    assert "keys are not required; 1 case" in out
    assert out.splitlines()[-1].endswith("steps match the recordings (100.0 %)")


def test_each_difference_is_reported_by_name(host: RunningHost, capsys: Output) -> None:
    """The home page is the only intended difference of this case."""
    assert main([host.base, "--only", "http/admin"]) == 1
    lines = capsys.readouterr().out.splitlines()[1:-1]
    assert lines
    assert all(line.startswith("http/admin [0] GET /: ") for line in lines)


def test_a_changed_response_is_reported(
    host: RunningHost, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = driving.recorded("http/echo")
    changed["http/echo"][0]["status"] = 299
    monkeypatch.setattr("tests.functions_host.__main__.recorded", lambda only: changed)
    assert main([host.base]) == 1
    assert "http/echo [0] " in capsys.readouterr().out


def test_a_host_with_another_app_is_reported(tmp_path: Path, capsys: Output) -> None:
    app = AppFolder(tmp_path / "app")
    app.http("Greet", "def main(req): return 'hello'", "greet", "get")
    with RunningHost(app.root, tmp_path / "state", "--no-reload") as other:
        assert main([other.base]) == 2
    assert "does not serve the probe app" in capsys.readouterr().err


def test_an_unreachable_host_is_reported(capsys: Output) -> None:
    assert main(["http://127.0.0.1:9"]) == 2
    assert "does not respond" in capsys.readouterr().err


def test_an_existing_app_is_not_overwritten(tmp_path: Path, capsys: Output) -> None:
    (tmp_path / "host.json").touch()
    assert main(["write-app", str(tmp_path)]) == 2
    assert main(["write-app"]) == 2
    assert capsys.readouterr().err.count("write-app needs an empty or new folder") == 2
    assert [path.name for path in tmp_path.iterdir()] == ["host.json"]


def test_the_key_of_the_status_url_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    paths: list[str] = []

    def send(
        self: object, method: str, path: str, body: object = None, headers: object = None
    ) -> Reply:
        paths.append(path)
        return Reply(
            202,
            {},
            json.dumps({"id": "1", "statusQueryGetUri": "http://h/x?taskHub=H&code=s%3D&y=1"}),
        )

    monkeypatch.setattr(Recorder, "send", send)
    key = driving.find_key("http://h")
    assert key == "s%3D"
    recorder = driving.KeyRecorder("http://h", [], key)
    recorder.send("GET", "/runtime/webhooks/durabletask/instances?top=1")
    recorder.send("GET", "/runtime/webhooks/durabletask/instances/1?code=own")
    recorder.send("GET", "/admin/host/status")
    assert paths[1:] == [
        "/runtime/webhooks/durabletask/instances?top=1&code=s%3D",
        "/runtime/webhooks/durabletask/instances/1?code=own",
        "/admin/host/status",
    ]
