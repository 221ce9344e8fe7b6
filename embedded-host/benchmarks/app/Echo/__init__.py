"""An activity that returns its input."""

from typing import Any


def main(value: Any) -> Any:
    """Return the input."""
    return value
