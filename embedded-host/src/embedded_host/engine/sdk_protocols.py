"""The versions of the SDK's protocol. ``protocols`` has one package for each version."""

from __future__ import annotations

SDK_1X = 1
"""The version of SDK 1.x. The engine compares the orchestrator's actions with the history."""
SDK_2X = 2
"""The version of SDK 2.x. The SDK compares the orchestrator's actions with the history."""
