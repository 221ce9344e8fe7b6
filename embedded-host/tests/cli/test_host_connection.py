"""The URL of a host, and the access key of requests."""

from __future__ import annotations

import click
import pytest

from embedded_host.cli.host_connection import HostConnection
from tests.cli.calling import call
from tests.support.recorded_host import SYSTEM_KEY, RecordedHost


@pytest.fixture(autouse=True)
def key_in_environment(no_key: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMBEDDED_HOST_CODE", SYSTEM_KEY)


def test_the_key_is_not_sent_after_a_redirect(recorded_host: RecordedHost) -> None:
    recorded_host.respond("GET", "/instances", 302, Location=f"{recorded_host.url}/elsewhere")
    called = call("get-instances", "--url", recorded_host.url)
    assert called.code == 1
    assert (
        f"{recorded_host.url} redirects to {recorded_host.url}/elsewhere: pass that URL with --url."
        in called.err
    )
    assert len(recorded_host.requests) == 1


@pytest.mark.parametrize(
    ("url", "name", "parameters"),
    [
        ("localhost:7071", "http://localhost:7071", {}),
        ("example.com", "https://example.com", {}),
        (
            "http://h/base/runtime/webhooks/durabletask/instances/a?code=k&TaskHub=T&connection=C",
            "http://h/base",
            {"taskHub": "T", "connection": "C"},
        ),
    ],
)
def test_a_url_has_the_host_and_the_parameters(
    url: str, name: str, parameters: dict[str, str]
) -> None:
    host = HostConnection(url)
    assert (host.name, host.parameters, host.has_key) == (name, parameters, "code=" in url)
    assert HostConnection(url, hub="Other").parameters == {**parameters, "taskHub": "Other"}


@pytest.mark.parametrize("url", ["http://", "ftp://h", "http://u@h", "http://h:x", "http://[h"])
def test_an_invalid_url_is_refused(url: str) -> None:
    with pytest.raises(click.BadParameter, match="is not a valid URL"):
        HostConnection(url)
