"""Tests that run in milliseconds and without a host: ``durable_app`` is this app, with a virtual clock."""

from embedded_host.testing import DurableApp


def test_three_cities_are_greeted(durable_app: DurableApp) -> None:
    hello = durable_app.sync.run("hello_cities")
    assert hello.output == ["Hello Tokyo!", "Hello Seattle!", "Hello London!"]


def test_with_a_fake_activity(durable_app: DurableApp) -> None:
    say_hello = durable_app.fake("say_hello", return_value="Hi!")
    assert durable_app.sync.run("hello_cities").output == ["Hi!", "Hi!", "Hi!"]
    assert say_hello.calls == ["Tokyo", "Seattle", "London"]
