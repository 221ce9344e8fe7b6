"""The URLs of bindings and responses, against the recordings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from embedded_host.management.urls import ManagementUrls

BASE = "http://localhost:7095"
SDK_URL = "http://127.0.0.1:17071/durabletask/"
WEBHOOK = f"{BASE}/runtime/webhooks/durabletask"
RECORDED = Path(__file__).with_name("durable_client_binding.json")


def test_the_client_binding_is_as_recorded() -> None:
    """The order of keys counts, because the SDK returns the dictionary to the user."""
    binding = ManagementUrls("WireHub", lambda: "KEY", SDK_URL).client_binding(BASE)
    assert binding == json.dumps(json.loads(RECORDED.read_text()), separators=(",", ":")).replace(
        "<key>", "KEY"
    )


def test_each_base_url_has_its_own_binding() -> None:
    urls = ManagementUrls("Hub")
    for base in ("http://localhost:7071", "http://localhost:8080", "http://localhost:7071"):
        binding = json.loads(urls.client_binding(base))
        assert binding["baseUrl"] == f"{base}/runtime/webhooks/durabletask"


def test_without_a_key_urls_have_no_code() -> None:
    binding = json.loads(ManagementUrls("Hub").client_binding(BASE))
    assert "code" not in json.dumps(binding)
    assert binding["requiredQueryStringParameters"] == ""
    assert binding["creationUrls"] == {
        "createNewInstancePostUri": f"{WEBHOOK}/orchestrators/{{functionName}}[/{{instanceId}}]",
        "createAndWaitOnNewInstancePostUri": (
            f"{WEBHOOK}/orchestrators/{{functionName}}[/{{instanceId}}]"
            "?timeout={timeoutInSeconds}&pollingInterval={intervalInSeconds}"
        ),
    }


@pytest.mark.parametrize("rewind", [True, False])
def test_the_urls_of_an_instance_are_as_recorded(rewind: bool) -> None:
    urls = ManagementUrls("WireHub", lambda: "KEY").of_instance(BASE, "INSTANCEID", rewind=rewind)
    recorded = json.loads(RECORDED.read_text().replace("<key>", "KEY"))["managementUrls"]
    if not rewind:
        del recorded["rewindPostUri"]
    assert list(urls.items()) == list(recorded.items())


def test_the_current_key_is_encoded_in_urls() -> None:
    keys = ["a&b=", "new"]
    urls = ManagementUrls("Hub", lambda: keys[0])
    for encoded in ("a%26b%3D", "new"):
        links = urls.of_instance(BASE, "i", rewind=False)
        binding = json.loads(urls.client_binding(BASE))
        assert links["statusQueryGetUri"].endswith(f"&connection=Storage&code={encoded}")
        assert binding["managementUrls"]["statusQueryGetUri"].endswith(
            f"&connection=Storage&code={encoded}"
        )
        assert binding["requiredQueryStringParameters"] == f"code={encoded}"
        keys.pop(0)


@pytest.mark.parametrize(
    ("instance_id", "encoded"),
    [
        ("bad#id", "bad%23id"),
        ("@x", "%40x"),
        ("a b", "a+b"),
        ("a+b", "a%2Bb"),
        ("ü/?&", "%C3%BC%2F%3F%26"),
        ("a-_.~", "a-_.~"),
    ],
)
def test_ids_are_form_encoded_in_urls_and_raw_in_the_id(instance_id: str, encoded: str) -> None:
    urls = ManagementUrls("Hub").of_instance(BASE, instance_id, rewind=True)
    assert urls["id"] == instance_id
    assert (
        urls["restartPostUri"]
        == f"{WEBHOOK}/instances/{encoded}/restart?taskHub=Hub&connection=Storage"
    )
