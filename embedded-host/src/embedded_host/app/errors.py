"""What stops an app from starting."""

from __future__ import annotations

from embedded_host.app.definitions import Problem
from embedded_host.errors import EmbeddedHostError


class AppError(EmbeddedHostError):
    """The app cannot start. ``problems`` says why, all that was found at once; ``str()`` is for the console."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(*problems)
        self.problems: tuple[Problem, ...] = problems

    def __str__(self) -> str:
        if len(self.problems) == 1:
            return str(self.problems[0])
        return "\n".join(
            [f"{len(self.problems)} problems:", *(f"  {problem}" for problem in self.problems)]
        )
