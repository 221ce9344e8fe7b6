"""The class and the message of an exception that the app's code raised."""

from embedded_worker.exception_text import exception_text


class UnreadableError(Exception):
    def __str__(self) -> str:
        raise LookupError


def test_the_text_has_the_class_and_the_message() -> None:
    assert exception_text(ValueError("too large")) == "ValueError: too large"


def test_an_exception_whose_message_cannot_be_read_has_its_class() -> None:
    text = "UnreadableError: its message cannot be read (LookupError)"
    assert exception_text(UnreadableError()) == text
