from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.http.api import Api


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    api = Api()
    yield api
    await api.host.idle()
    await api.host.kill()
