from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.otlp_receiver import OtlpReceiver


@pytest.fixture(scope="module")
def receiver() -> Iterator[OtlpReceiver]:
    """Yield one receiver for all tests of a module."""
    with OtlpReceiver() as receiver:
        yield receiver
