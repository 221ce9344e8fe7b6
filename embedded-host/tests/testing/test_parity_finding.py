"""The test kit's object of a finding has the code, the position and the logged text."""

from __future__ import annotations

from embedded_host.parity.findings import Finding
from embedded_host.parity.kinds.sdk2 import CALL_HTTP
from embedded_host.testing.parity_finding import ParityFinding, parity_finding


def test_a_finding_is_converted_with_all_fields() -> None:
    finding = Finding(CALL_HTTP, "Order", "function_app.py", 7, "", 2, ["i-1"])
    assert parity_finding(finding) == ParityFinding(
        "EH802", "Order", "function_app.py", 7, str(finding), 2, ("i-1",)
    )
