"""The fixture of orchestrations in both ways of matching their actions with the history."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.engine.scenario import Scenario

NewScenario = Callable[..., Scenario]


@pytest.fixture(params=[False, True], ids=["kept", "replayed"])
def new(request: pytest.FixtureRequest) -> NewScenario:
    """Return a function that creates an orchestration with a kept or a replayed execution."""
    return lambda **options: Scenario(fresh=request.param, **options)
