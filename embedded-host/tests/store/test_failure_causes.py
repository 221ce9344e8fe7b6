"""The causes of failures."""

from __future__ import annotations

import pytest

from embedded_host.store.failure_causes import (
    LONGEST_LINE,
    FailureCause,
    cause_key,
    failure_cause,
    first_line,
)


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (
            "Orchestrator function 'Order' failed: Activity function 'charge' failed: "
            "CardError: card 4711 of order-0240 refused \n Traceback (most recent call last):",
            ("charge", "CardError", "card … of … refused"),
        ),
        (
            "Orchestrator function 'Order' failed: Orchestrator function 'Ship' failed: no items",
            ("Ship", "", "no items"),
        ),
        (
            "durabletask.task.TaskFailedError: the-id: Activity task #1 failed: boom: boom",
            ("Order", "durabletask.task.TaskFailedError", "…: Activity task … failed: boom: boom"),
        ),
        (
            "\n ValueError: at 2026-01-02T03:04:05Z, 1, 2, 3: 0a1b2c3d-0000-4000-8000-0123456789ab",
            ("Order", "ValueError", "at …: …"),
        ),
        (
            "Orchestrator function 'Order' failed: One or more errors occurred. (Result: Failure\n"
            "Exception: ImportError: No module named 'stripe'\nStack: File x)",
            ("Order", "ImportError", "No module named 'stripe'"),
        ),
        ("KeyError: 'tenant'", ("Order", "KeyError", "'tenant'")),
        ("", ("Order", "", "")),
    ],
)
def test_the_cause_names_the_innermost_function_and_folds_ids_and_numbers(
    error: str, cause: tuple[str, str, str]
) -> None:
    assert failure_cause("the-id", "Order", error) == cause


def test_failures_that_differ_in_ids_have_the_same_key() -> None:
    error = "Orchestrator function 'F' failed: order {} of {} failed after {} s"
    first = cause_key("customer-anna", "F", error.format(17, "customer-anna", 2.5))
    second = cause_key("customer-bob", "F", error.format("a-18", "customer-bob", 30))
    assert first == second == failure_cause("c", "F", error.format(1, 2, 3)).key
    assert first != cause_key("customer-bob", "G", "no items")
    assert FailureCause("a", "b", "c").key != FailureCause("a", "", "bc").key


def test_the_first_line_has_no_phrase_about_the_orchestrator_itself() -> None:
    assert first_line("F", "Orchestrator function 'F' failed: boom \n more") == "boom"
    assert first_line("G", "Orchestrator function 'F' failed: boom") == (
        "Orchestrator function 'F' failed: boom"
    )
    assert len(first_line("F", "x" * 5000)) == LONGEST_LINE


def test_a_long_word_is_folded_in_linear_time() -> None:
    assert len(failure_cause("i", "F", "x" * 100_000).message) == LONGEST_LINE
