import pytest

import HelloActivity
from shared.message import hello_world


@pytest.mark.parametrize("payload", [None, "", "ignored", {"a": 1}])
def test_the_activity_returns_the_message_for_any_input(
    payload: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENV", "local")
    message = HelloActivity.main(payload)
    assert message == hello_world({"ENV": "local"})
    assert message.startswith("Hello World! from ")
    assert message.endswith(" architecture in local enviroment")
