from __future__ import annotations

import azure.durable_functions  # noqa: F401  # registers the durable converters
import pytest

from embedded_worker.converters import converter_for, find_converter


@pytest.mark.parametrize(
    "kind", ["httpTrigger", "HTTPTRIGGER", "activityTrigger", "orchestrationtrigger"]
)
def test_binding_types_are_compared_without_regard_to_case(kind: str) -> None:
    assert find_converter(kind) is converter_for(kind)


def test_an_unknown_type_has_no_converter() -> None:
    assert find_converter("carrierPigeon") is None
    with pytest.raises(LookupError, match="carrierPigeon"):
        converter_for("carrierPigeon")
