"""Tracebacks of failing tests: they contain frames of the test, but not of the host or asyncio."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from embedded_host.testing.traceback import is_raised_by_kit, user_traceback
from tests.testing.conftest import shop_app
from tests.testing.test_plugin import run_pytest

FAILING_TESTS = """\
import pytest


def charge(amount):
    pytest.fail("must not be charged")


@pytest.mark.asyncio
async def test_status_error(durable_app):
    order = await durable_app.start("Approval")
    await durable_app.purge(order)


@pytest.mark.asyncio
async def test_not_finished(durable_app):
    durable_app.fake("Child", side_effect=charge)
    order = await durable_app.start("Approval")
    await durable_app.suspend(order)
    await durable_app.finish(order)


def test_result(durable_app):
    durable_app.fake("Charge", side_effect=ValueError("no"))
    durable_app.sync.run("Order").result()


def test_call_assertion(durable_app):
    durable_app.fake("Charge").assert_called_once_with(7)


def test_replay_mismatch(durable_app):
    order = durable_app.sync.run("Order")
    durable_app.replay(order, name="Reminder")


def test_invalid_argument(durable_app):
    durable_app.sync.advance(hours=-1)


@pytest.mark.asyncio
async def test_failure_in_a_fake(durable_app):
    durable_app.fake("Charge", side_effect=charge)
    await durable_app.run("Order")


def test_failure_in_a_fake_without_async(durable_app):
    durable_app.fake("Charge", side_effect=charge)
    durable_app.sync.run("Order")


@pytest.fixture
def broken_app(tmp_path):
    from embedded_host.testing import DurableApp

    (tmp_path / "host.json").write_text("{")
    return DurableApp(tmp_path)


def test_fixture_that_does_not_load(broken_app):
    pass
"""
COUNT = FAILING_TESTS.count("\ndef test_") + FAILING_TESTS.count("\nasync def test_")


@pytest.mark.process
def test_a_failing_test_shows_the_frames_of_the_test_only(tmp_path: Path) -> None:
    app = shop_app(tmp_path / "shop")
    app.write("tests/test_failing.py", FAILING_TESTS)
    output = run_pytest(app.root, "--tb=short", "tests")
    assert f"{COUNT - 1} failed" in output, output
    frames = re.findall(r"^(\S+\.py):\d+: in (\w+)$", output, re.MULTILINE)
    assert {file for file, _ in frames} == {"tests/test_failing.py"}, output
    assert [function for _, function in frames if function.startswith(("test_", "broken"))] == [
        "broken_app",
        "test_status_error",
        "test_not_finished",
        "test_result",
        "test_call_assertion",
        "test_replay_mismatch",
        "test_invalid_argument",
        "test_failure_in_a_fake",
        "test_failure_in_a_fake_without_async",
    ]
    assert "The task hub stops" not in output
    assert 'File "' + str(Path(__file__).parents[2]) not in output


@pytest.mark.process
def test_full_trace_shows_the_kits_frames(tmp_path: Path) -> None:
    app = shop_app(tmp_path / "shop")
    app.write("tests/test_failing.py", FAILING_TESTS)
    output = run_pytest(app.root, "--tb=short", "--full-trace", "tests", "-k", "status_error")
    assert "async def purge(self" in output, output


def raise_in_user_code() -> None:
    raise ValueError("by the user")


def test_user_traceback_begins_with_the_first_user_frame() -> None:
    with pytest.raises(ValueError, match="by the user") as raised:
        raise_in_user_code()
    trimmed = user_traceback(raised.value.__traceback__)
    assert trimmed is raised.value.__traceback__
    assert user_traceback(None) is None
    assert not is_raised_by_kit(trimmed)
