"""The version of an orchestration: what its orchestrator branches by after a change."""

from __future__ import annotations

import pytest

from tests.task_hub.kit import HubUnderTest, InlineInvoker


def family(context):  # type: ignore[no-untyped-def]
    """Its own version and its children's."""
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


@pytest.mark.parametrize(
    ("default", "given", "versions"),
    [
        (None, None, [None, None, "0.9"]),
        (None, "1.0", ["1.0", None, "0.9"]),
        ("2.0", None, ["2.0", "2.0", "0.9"]),
        ("2.0", "1.0", ["1.0", "2.0", "0.9"]),
    ],
)
async def test_an_orchestration_has_the_version_it_was_given_or_the_apps(
    default: str | None, given: str | None, versions: list[str | None]
) -> None:
    host = HubUnderTest(InlineInvoker(ORCHESTRATORS), default_version=default)
    await host.client.start("Family", None, "i-1", given)
    await host.client.start("Continued", None, "i-2", given)
    await host.idle()
    assert host.outcome() == ("Completed", versions)
    assert host.outcome("i-2") == ("Completed", versions[0])
