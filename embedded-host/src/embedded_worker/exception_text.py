"""The class and the message of an exception that the app's code raised."""

from __future__ import annotations


def exception_text(error: BaseException) -> str:
    """Return the class and the message, for example ``ValueError: too large``.

    The message is the result of code of the app, which can raise another exception.
    """
    return f"{type(error).__name__}: {message_of(error)}"


def message_of(error: BaseException) -> str:
    """Return the message, or the reason why it cannot be read."""
    try:
        return str(error)
    except Exception as another:
        return f"its message cannot be read ({type(another).__name__})"
