"""Functions of SDK 2.x, and the codes of the findings of an app."""

from __future__ import annotations

from pathlib import Path

from embedded_host.app.definitions import Binding, Function
from embedded_host.parity.findings import Findings


def function(
    name: str,
    binding: str = "ctx",
    kind: str = "orchestrationTrigger",
    *,
    code_file: str = "function_app.py",
    **properties: object,
) -> Function:
    """Return a function. ``binding`` is the name of its trigger."""
    trigger = Binding(kind, binding, "in", {"durableRequiresGrpc": True, **properties})
    script = Path("app", "function_app.py")
    line = 12 if code_file else 0
    return Function(name, script.parent, script, name, (trigger,), {}, code_file, line)


def codes(findings: Findings) -> list[tuple[str, str]]:
    """Return the code and the function of each finding."""
    return [(finding.kind.code, finding.function) for finding in findings]
