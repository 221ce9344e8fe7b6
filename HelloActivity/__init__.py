"""An activity that returns a greeting with properties of the machine that runs it."""

from shared.message import hello_world


def main(payload: object) -> str:
    """Return the greeting. Every activity has an input, which this activity ignores."""
    return hello_world()
