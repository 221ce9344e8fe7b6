"""The message of a batch of operations on an entity."""

from __future__ import annotations

import json

from google.protobuf.json_format import MessageToDict

from embedded_worker.sdk2.entity_batches import batch_request
from tests.embedded_worker.sdk2.recordings import RECORDINGS


def test_each_recorded_batch_has_the_recorded_message() -> None:
    recorded = json.loads(RECORDINGS.read_text(encoding="utf-8"))["entities"]
    for batch in recorded:
        request = batch["request"]
        trigger = {"entityState": None, **request}
        del trigger["properties"]
        for operation in trigger["operations"]:
            operation.setdefault("input", None)
        message = batch_request(json.dumps(trigger))
        expected = {
            **request,
            "operations": [
                {key: value for key, value in operation.items() if value is not None}
                for operation in request["operations"]
            ],
        }
        assert MessageToDict(message) == expected
    assert len(recorded) > 20
