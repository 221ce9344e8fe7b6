"""Response recorded requests with the functions of an app. The app's interpreter runs this script.

It reads the requests as JSON from its input, and writes the responses as JSON to its output. The
working folder is that of the app.
"""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path.cwd()))

import function_app

from embedded_worker.sdk2.handles import open_session, replay, run_batch

HANDLES = {
    function.get_function_name(): function.get_user_function()
    for function in function_app.app.get_functions()
}
CONTEXT = SimpleNamespace(invocation_id="1", thread_local_storage=SimpleNamespace())


def turn_responses(name, turns):
    """Yield the responses of a session that stays in memory, and of replays by the SDK itself."""
    handle, session = HANDLES[name], None
    for turn in turns:
        text = json.dumps(turn["whole"])
        if turn["next"] is None or session is None:
            session = open_session(handle, text, Path.cwd())
            kept = session.run_turn()
        else:
            kept = session.run_turn(json.dumps(turn["next"]))
        if session.finished:  # as in the worker
            session = None
        yield [json.loads(kept), json.loads(replay(handle, text, CONTEXT))]


requests = json.load(sys.stdin)
responses = {
    "turns": {name: list(turn_responses(name, turns)) for name, turns in requests["turns"].items()},
    "batches": [
        json.loads(run_batch(HANDLES[batch["function"]], json.dumps(batch["trigger"]), CONTEXT))
        for batch in requests["batches"]
    ],
}
print(json.dumps(responses))
