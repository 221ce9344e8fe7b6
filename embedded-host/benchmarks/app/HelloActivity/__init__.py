"""An activity that greets a name."""

import platform


def main(name: str) -> str:
    """Return a greeting with the operating system's name."""
    return f"Hello {name}! from {platform.system()} operating system"
