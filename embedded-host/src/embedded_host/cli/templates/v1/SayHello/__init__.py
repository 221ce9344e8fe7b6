"""An activity. It may use the network and the clock.

If the host stops before the result is recorded, the activity runs again.
"""


def main(city: str) -> str:
    """Return a greeting."""
    return f"Hello {city}!"
