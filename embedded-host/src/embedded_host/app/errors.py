"""The error that is raised if an app cannot start."""

from __future__ import annotations

from embedded_host.app.definitions import Problem
from embedded_host.errors import EmbeddedHostError


class AppError(EmbeddedHostError):
    """The app cannot start. ``problems`` contains all fatal problems."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(*problems)
        self.problems: tuple[Problem, ...] = problems

    def __str__(self) -> str:
        """Return the problem, or the number of problems and one problem per line."""
        if len(self.problems) == 1:
            return str(self.problems[0])
        return "\n".join(
            [f"{len(self.problems)} problems:", *(f"  {problem}" for problem in self.problems)]
        )


class HostJsonError(AppError):
    """The host.json is missing or invalid, which puts the host in error."""

    @property
    def host_errors(self) -> tuple[str, ...]:
        """The ``errors`` of the host's status."""
        return tuple(problem.host_error for problem in self.problems)
