"""The intended differences of the small apps in the default mode are documented.

The runner of these apps reads ``intended-parity.json`` (option --skip). Its keys are the
name of an app and the number of a step. With ``--parity strict``, no difference is intended.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from embedded_host.parity.registry import all_kinds

INTENDED: dict[str, str] = json.loads(
    (Path(__file__).parent / "intended-parity.json").read_text(encoding="utf-8")
)


def test_each_intended_difference_names_the_step_and_a_kind_of_finding() -> None:
    assert INTENDED
    for step, reason in INTENDED.items():
        assert re.fullmatch(r"[a-z0-9-]+/\d+", step)
        code, _, text = reason.partition(": ")
        assert code in all_kinds()
        assert text.endswith(".")
