"""An activity. It may use the network and the clock, and runs again after a crash."""


def main(city: str) -> str:
    """Return a greeting."""
    return f"Hello {city}!"
