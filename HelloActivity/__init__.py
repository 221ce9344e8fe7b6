"""An activity that returns the hello message of its machine."""

from shared.message import hello_world


def main(payload: object) -> str:
    """Return the message. Every activity has an input; this one ignores it."""
    return hello_world()
