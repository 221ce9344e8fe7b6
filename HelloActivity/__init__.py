"""Says hello from the machine it runs on."""

from shared.message import hello_world


def main(payload: object) -> str:
    """Return the message. An activity always has a trigger, so it is given an input, which this one has no use for."""
    return hello_world()
