"""Versions of orchestrations."""

from __future__ import annotations

import pytest

from embedded_host.app.definitions import HostJson
from embedded_host.parity.findings import Findings
from tests.parity.kit import codes
from tests.task_hub.kit import HubUnderTest, InlineInvoker


def family(context):  # type: ignore[no-untyped-def]
    """Return the versions of the instance and of its children."""
    child = yield context.call_sub_orchestrator("Version")
    old_child = yield context.call_sub_orchestrator("Version", version="0.9")
    return [context.version, child, old_child]


def continued(context):  # type: ignore[no-untyped-def]
    if context.get_input() is None:
        context.continue_as_new("again")
        return None
    return context.version


ORCHESTRATORS = {
    "Family": family,
    "Continued": continued,
    "Version": lambda context: context.version,
}


@pytest.mark.needs_durable("1.5", "versions of orchestrations")
@pytest.mark.parametrize(
    ("default", "version", "versions"),
    [
        (None, None, [None, None, "0.9"]),
        (None, "1.0", ["1.0", None, "0.9"]),
        ("2.0", None, ["2.0", "2.0", "0.9"]),
        ("2.0", "1.0", ["1.0", "2.0", "0.9"]),
    ],
)
async def test_an_orchestration_has_its_own_version_or_the_default_one(
    default: str | None, version: str | None, versions: list[str | None]
) -> None:
    host = HubUnderTest(InlineInvoker(ORCHESTRATORS), default_version=default)
    await host.client.start("Family", None, "i-1", version)
    await host.client.start("Continued", None, "i-2", version)
    await host.idle()
    assert host.outcome() == ("Completed", versions)
    assert host.outcome("i-2") == ("Completed", versions[0])


@pytest.mark.needs_durable("1.5", "versions of orchestrations")
async def test_a_version_that_azure_does_not_run_is_a_finding_of_its_instance() -> None:
    findings = Findings(HostJson())
    host = HubUnderTest(
        InlineInvoker(ORCHESTRATORS),
        findings=findings,
        default_version="1.0",
        version_match_strategy="CurrentOrOlder",
    )
    for version in (None, "1.0", "0.9"):
        await host.client.start("Continued", version=version)
    await host.client.start("Version", None, "new", "1.1")
    await host.idle()
    [finding] = findings
    assert (finding.kind.code, finding.function) == ("EH806", "Version")
    assert (finding.count, finding.instances) == (1, ["new"])


@pytest.mark.needs_durable("1.5", "versions of orchestrations")
async def test_the_version_of_a_sub_orchestration_is_a_finding() -> None:
    findings = Findings(HostJson())
    host = HubUnderTest(
        InlineInvoker(ORCHESTRATORS),
        findings=findings,
        default_version="2.0",
        version_match_strategy="Strict",
    )
    await host.start("Family")
    assert host.outcome() == ("Completed", ["2.0", "2.0", "0.9"])
    assert codes(findings) == [("EH886", "Version")]


async def test_a_strict_host_fails_such_an_instance() -> None:
    host = HubUnderTest(
        InlineInvoker(ORCHESTRATORS), version_match_strategy="CurrentOrOlder", strict=True
    )
    await host.client.start("Version", None, "i-1", "1.1")
    await host.idle()
    status, output = host.outcome()
    assert status == "Failed"
    assert "The version '1.1' does not match the defaultVersion ''" in output
    assert host.invoker.calls["Version"] == 0
