from __future__ import annotations

import pytest

from embedded_host.engine.functions import DurableFunctions, FunctionNames


def test_names_are_found_without_regard_to_case() -> None:
    names = FunctionNames("activity", ("SayHello",))
    assert "sayhello" in names
    assert "SAYHELLO" in names
    assert "SayHell" not in names
    assert None not in names
    assert names.registered("sayHELLO") == "SayHello"
    assert names.registered("other") == "other"


@pytest.mark.parametrize(
    ("kind", "article"),
    [("orchestrator", "an orchestrator"), ("activity", "an activity"), ("entity", "an entity")],
)
def test_an_unknown_name_is_reported_with_the_known_names(kind: str, article: str) -> None:
    assert FunctionNames(kind, ("A", "B")).missing("X") == (
        f"The function 'X' doesn't exist, is disabled, or is not {article} function. "
        f"Additional info: The following are the known {kind} functions: 'A', 'B'."
    )
    assert (
        FunctionNames(kind).missing("X").endswith(f"No {kind} functions are currently registered!")
    )


def test_each_kind_has_its_own_names() -> None:
    functions = DurableFunctions.of(["O"], ["A"], ["E"])
    assert [
        names.kind for names in (functions.orchestrators, functions.activities, functions.entities)
    ] == [
        "orchestrator",
        "activity",
        "entity",
    ]
    assert [
        ("O" in n, "A" in n, "E" in n) for n in (functions.orchestrators, functions.activities)
    ] == [
        (True, False, False),
        (False, True, False),
    ]
    assert "anything" not in DurableFunctions().orchestrators


def test_a_function_of_the_sdk_is_known_and_is_not_listed() -> None:
    functions = DurableFunctions.of(["A", "Built"], protocol=2, unlisted=["Built"])
    assert "Built" in functions.orchestrators
    assert functions.orchestrators.missing("X").endswith(" functions: 'A'.")
