"""The command ``scheduler``: task hubs for workers of durabletask, without Functions."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from embedded_host.cli.command import CommandError, command
from embedded_host.cli.installation import scheduler_command


@command()
@click.option(
    "--port",
    "-p",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="The port for gRPC. 0 selects a free port.",
)
@click.option(
    "--dashboard-port",
    type=click.IntRange(0, 65535),
    default=8082,
    show_default=True,
    help="The port for the dashboard and the management API. 0 selects a free port.",
)
@click.option(
    "--address",
    default="127.0.0.1",
    show_default=True,
    help="The address to listen on. An address that other machines can reach requires --token.",
)
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".embedded-scheduler"),
    metavar="DIR",
    help="The state folder, which stores the instances. Default: .embedded-scheduler in the "
    "current folder.",
)
@click.option(
    "--token",
    envvar="EMBEDDED_HOST_SCHEDULER_TOKEN",
    default="",
    metavar="TEXT",
    help="Require this token from workers, clients and the dashboard. Default: "
    "the value of EMBEDDED_HOST_SCHEDULER_TOKEN, or no token.",
)
@click.option(
    "--fsync",
    type=click.Choice(["on", "off"]),
    default="on",
    show_default=True,
    help="With the value off, a power loss can lose acknowledged work.",
)
@click.option("--verbose", is_flag=True, help="Log the scheduler's own activity.")
def scheduler(
    port: int,
    dashboard_port: int,
    address: str,
    state: Path,
    token: str,
    fsync: str,
    verbose: bool,
) -> None:
    """Run task hubs for workers of durabletask, without an app.

    The command replaces the emulator of the Durable Task Scheduler, and needs no Docker. The
    instances are stored in the state folder. The command needs the extra "scheduler" of this
    package.

    Examples:
      embedded-host scheduler
      embedded-host scheduler --port 8080 --state ./hubs
    """
    try:
        import durabletask.internal.orchestrator_service_pb2  # noqa: F401
        import grpc.aio  # noqa: F401
    except ImportError as error:
        raise CommandError(
            f"embedded-host scheduler needs durabletask, which cannot be imported ({error}). "
            f"Run `{scheduler_command()}`. [EH563]"
        ) from error
    from embedded_host.http.sockets import is_loopback

    try:
        loopback = is_loopback(address)
    except OSError as error:
        raise CommandError(f"The scheduler cannot listen on {address}: {error}. [EH202]") from error
    if not loopback and not token:
        raise CommandError(
            f"Other machines can reach {address}. Without a token, every client on the network can "
            "start and terminate instances and read their output. Add --token to require one, or "
            "remove --address to listen on this machine only. [EH207]"
        )
    from embedded_host.scheduler.process import run_scheduler
    from embedded_host.scheduler.server import SchedulerOptions

    options = SchedulerOptions(
        state=state.absolute(),
        address=address,
        port=port,
        dashboard_port=dashboard_port,
        token=token,
        fsync=fsync == "on",
    )
    sys.exit(run_scheduler(options, verbose=verbose))
