"""Tests whose app is written for SDK 2.x."""

from __future__ import annotations

from importlib import metadata

import pytest

from tests.support.app_python import app_python, app_versions, is_older

NEEDS_SDK_2 = pytest.mark.needs_durable("2.0.0rc3", "the app is written for SDK 2.x")
DURABLE = "azure-functions-durable"


def durable_version() -> str:
    """Return the version of the SDK with which the tests run apps in processes."""
    path = app_python()
    return app_versions(path)[DURABLE] if path else metadata.version(DURABLE)


def uses_sdk_2() -> bool:
    """Return True if the tests run apps in processes with SDK 2.x."""
    return not is_older(durable_version(), than="2")
