"""The problems of the app's code, which a worker finds when it loads the app."""

from __future__ import annotations

from collections.abc import Iterator

from embedded_host.doctor.finding import Finding
from embedded_host.workers.app_loading import AppLoading


def check_code(loading: AppLoading) -> Iterator[Finding]:
    """Yield the functions that do not load, and those that the host does not serve."""
    if hidden := loading.app.hidden_folders():
        yield Finding("warning", hidden, "Keep one of the two models.", "EH313")
    for problem in loading.result.problems:
        yield Finding(
            "error",
            f"{problem.function or 'The app'} cannot be served: {problem.text}",
            "",
            "EH310",
        )
    reported = {problem.function for problem in loading.result.problems}
    reported |= {problem.function for problem in loading.app.app.problems}
    for name, reason in loading.app.broken.items():
        if name not in reported:
            yield Finding("warning", f"{name}: {reason}", "", "EH311")
