"""The types of functions that users write. Their parameters and results have any type."""

from __future__ import annotations

from typing import Any, Protocol


class UserFunction(Protocol):
    """A function of the app, or a method of an extension."""

    def __call__(self, *arguments: Any, **named: Any) -> object:
        """Call the user's code."""
