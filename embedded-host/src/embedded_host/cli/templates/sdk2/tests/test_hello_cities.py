"""Tests that run in milliseconds. They do not start a host.

The pytest fixture ``durable_app`` loads this app with a virtual clock.
"""

from embedded_host.testing import DurableApp


def test_the_orchestrator_greets_three_cities(durable_app: DurableApp) -> None:
    hello = durable_app.sync.run("hello_cities")
    assert hello.output == ["Hello Tokyo!", "Hello Seattle!", "Hello London!"]


def test_the_orchestrator_calls_the_activity_for_each_city(durable_app: DurableApp) -> None:
    say_hello = durable_app.fake("say_hello", return_value="Hi!")
    assert durable_app.sync.run("hello_cities").output == ["Hi!", "Hi!", "Hi!"]
    assert say_hello.calls == ["Tokyo", "Seattle", "London"]
