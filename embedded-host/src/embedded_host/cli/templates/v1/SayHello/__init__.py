"""An activity: it may do anything, and may be run again after a crash."""


def main(city: str) -> str:
    return f"Hello {city}!"
