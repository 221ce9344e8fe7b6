"""Runs in milliseconds and without a host: ``durable_app`` is this app, with a clock that only the test moves."""

from typing import Any


def test_three_cities_are_greeted(durable_app: Any) -> None:
    hello = durable_app.sync.run("hello_cities")
    assert hello.output == ["Hello Tokyo!", "Hello Seattle!", "Hello London!"]


def test_with_a_fake_activity(durable_app: Any) -> None:
    say_hello = durable_app.fake("say_hello", return_value="Hi!")
    assert durable_app.sync.run("hello_cities").output == ["Hi!", "Hi!", "Hi!"]
    assert say_hello.calls == ["Tokyo", "Seattle", "London"]
