"""The document of the findings is sorted by function, and has the text that the host logs."""

from __future__ import annotations

import msgspec

from embedded_host.app.definitions import HostJson
from embedded_host.parity.documents import parity_document
from embedded_host.parity.findings import Findings
from embedded_host.parity.kinds.sdk2 import CALL_HTTP, CONTEXT_NAME
from tests.parity.kit import function


def test_the_findings_are_sorted_by_function_and_have_all_fields() -> None:
    findings = Findings(HostJson(), is_strict=True)
    findings.use([function("Beta"), function("alpha")])
    findings.add(CONTEXT_NAME, "Beta")
    findings.add(CALL_HTTP, "alpha", instance_id="one", detail="It is a detail.")
    findings.add(CALL_HTTP, "alpha", instance_id="two")
    document = msgspec.to_builtins(parity_document(findings))
    assert document["mode"] == "strict"
    first, second = document["findings"]
    assert (second["function"], second["code"]) == ("Beta", "EH801")
    assert first.pop("text") == str(next(f for f in findings if f.function == "alpha"))
    assert first.pop("onAzure").startswith("call_http in the orchestrator 'alpha'")
    assert first == {
        "code": "EH802",
        "function": "alpha",
        "file": "function_app.py",
        "line": 12,
        "detail": "It is a detail.",
        "instead": "Send the request in an activity.",
        "count": 2,
        "instances": ["one", "two"],
    }


def test_the_mode_is_helpful_by_default() -> None:
    document = parity_document(Findings(HostJson()))
    assert (document.mode, document.findings) == ("helpful", [])
