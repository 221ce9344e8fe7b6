"""The marker of tests whose app is written for SDK 2.x."""

from __future__ import annotations

import pytest

NEEDS_SDK_2 = pytest.mark.needs_durable("2.0.0rc3", "the app is written for SDK 2.x")
