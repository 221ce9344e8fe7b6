"""The probe app for SDK 2.x: the functions of the recorded Azure Functions host, as decorators."""

from __future__ import annotations

import shutil
import textwrap
from pathlib import Path

from tests.conformance.probe_orchestrators import ACTIVITIES, ORCHESTRATORS
from tests.support.app_folder import AppFolder

_MODULES = Path(__file__).parent / "probe_2x"
_HEAD = '''\
"""The orchestrators and activities of the probe app for SDK 1.x."""

from datetime import timedelta

import azure.durable_functions as df

compatible = df.Blueprint()
'''


_RECORDED_DELAYS = {
    "RetryOptions(50,": "RetryOptions(1000,",
    "timedelta(seconds=0.5)": "timedelta(seconds=3)",
    "timedelta(seconds=0.3)": "timedelta(seconds=2)",
    "timedelta(milliseconds=50)": "timedelta(seconds=1)",
    "timedelta(milliseconds=60)": "timedelta(milliseconds=500)",
    "timedelta(seconds=1.1)": "timedelta(seconds=2)",
}
"""The recorded delays by the delays of the probe."""


def probe_app_2x(root: Path, *, recorded_delays: bool = False) -> AppFolder:
    """Write the app: orchestrators and entities in both styles, and calls of the SDK's client.

    The delays are short, unless ``recorded_delays`` is given.
    """
    host = {
        "version": "2.0",
        "logging": {"logLevel": {"default": "Warning"}},
        "extensions": {
            "durableTask": {"hubName": "ProbeHub2", "entityMessageReorderWindowInMinutes": 0}
        },
    }
    app = AppFolder(root, host)
    for module in _MODULES.glob("*.py"):
        shutil.copy(module, root)
    functions = [
        f'@compatible.orchestration_trigger(context_name="ctx")\n'
        f"def {name}(ctx: df.DurableOrchestrationContext):\n{_indented(body)}\n"
        for name, body in ORCHESTRATORS.items()
    ] + [
        f'@compatible.activity_trigger(input_name="v")\ndef {name}(v):\n{_indented(body)}\n'
        for name, body in {**ACTIVITIES, "Opaque": "return object()"}.items()
    ]
    app.write("compatible.py", "\n\n".join([_HEAD, *functions]))
    if recorded_delays:
        for name in ("compatible.py", "native.py"):
            text = (root / name).read_text(encoding="utf-8")
            for short, recorded in _RECORDED_DELAYS.items():
                text = text.replace(short, recorded)
            app.write(name, text)
    return app


def _indented(body: str) -> str:
    return textwrap.indent(textwrap.dedent(body).strip("\n"), "    ")
