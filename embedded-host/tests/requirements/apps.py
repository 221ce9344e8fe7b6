"""The requirements of apps in twenty forms that public Durable Functions apps have.

The pins are those of a census of public apps, without heavy packages such as pandas. Each list can
be installed with the Python version of its row, which is the newest one that its pins allow, or
one that public apps use.
"""

from __future__ import annotations

from typing import Literal, NamedTuple


class AppRequirements(NamedTuple):
    """The requirements.txt of an app, with a Python version that can install it."""

    name: str
    python: str
    """The version without the patch number."""
    model: Literal["v1", "v2"]
    """The programming model of the app. Decorators need azure-functions-durable 1.2 or newer."""
    lines: tuple[str, ...]


APPS = (
    AppRequirements(
        "oldest-sdk",
        "3.9",
        "v1",
        ("azure-functions==1.12.0", "azure-functions-durable==1.1.6"),
    ),
    AppRequirements(
        "aiohttp-3.7",
        "3.9",
        "v1",
        ("azure-functions", "azure-functions-durable==1.1.6", "aiohttp==3.7.4", "requests==2.25.1"),
    ),
    AppRequirements(
        "jinja2-3.0",
        "3.9",
        "v1",
        (
            "# DO NOT include azure-functions-worker in this file",
            "# The Python Worker is managed by Azure Functions platform",
            "",
            "azure-functions==1.13.3",
            "azure-functions-durable==1.2.0",
            "Jinja2==3.0.3",
            "MarkupSafe==2.0.1",
        ),
    ),
    AppRequirements(
        "pydantic-1",
        "3.9",
        "v2",
        (
            "azure-functions==1.17.0",
            "azure-functions-durable==1.2.8",
            "pydantic==1.10.13",
            "requests==2.31.0",
        ),
    ),
    AppRequirements(
        "unpinned-on-3.9", "3.9", "v2", ("azure-functions", "azure-functions-durable", "requests")
    ),
    AppRequirements(
        "first-decorators",
        "3.10",
        "v2",
        (
            "azure-functions==1.14.0",
            "azure-functions-durable==1.2.2",
            "requests==2.28.2",
            "python-dotenv==0.21.1",
        ),
    ),
    AppRequirements(
        "aiohttp-3.8",
        "3.10",
        "v2",
        ("azure-functions==1.15.0", "azure-functions-durable==1.2.6", "aiohttp==3.8.3"),
    ),
    AppRequirements(
        "storage-and-identity",
        "3.10",
        "v2",
        (
            "azure-functions==1.17.0",
            "azure-functions-durable==1.2.8",
            "azure-identity==1.15.0",
            "azure-storage-blob==12.19.0",
        ),
    ),
    AppRequirements(
        "grpcio",
        "3.10",
        "v1",
        ("azure-functions", "azure-functions-durable", "grpcio==1.54.2", "protobuf==3.20.3"),
    ),
    AppRequirements(
        "markers-and-comments",
        "3.10",
        "v1",
        (
            "azure-functions>=1.12,<1.18  # the host of 2023",
            "azure-functions-durable~=1.2.4",
            'tzdata==2023.3; sys_platform == "win32"',
            'importlib-metadata==6.8.0; python_version < "3.11"',
        ),
    ),
    AppRequirements(
        "cryptography",
        "3.11",
        "v2",
        (
            "azure-functions==1.18.0",
            "azure-functions-durable==1.2.9",
            "cryptography==41.0.7",
            "PyJWT==2.8.0",
        ),
    ),
    AppRequirements(
        "pydantic-2",
        "3.11",
        "v2",
        (
            "azure-functions==1.21.3",
            "azure-functions-durable==1.2.10",
            "pydantic==2.9.2",
            "pydantic-settings==2.5.2",
            "httpx==0.27.2",
        ),
    ),
    AppRequirements(
        "opencensus",
        "3.11",
        "v1",
        (
            "azure-functions>=1.17,<2",
            "azure-functions-durable>=1.2,<1.3",
            "aiohttp==3.9.5",
            "opencensus-ext-azure==1.1.13",
        ),
    ),
    AppRequirements(
        "tenacity",
        "3.11",
        "v2",
        (
            "azure-functions==1.23.0",
            "azure-functions-durable==1.3.1",
            "tenacity==8.5.0",
            "beautifulsoup4==4.12.3",
            "lxml==5.3.0",
        ),
    ),
    AppRequirements(
        "fastapi",
        "3.11",
        "v2",
        ("azure-functions", "azure-functions-durable<2", "fastapi==0.110.0", "starlette==0.36.3"),
    ),
    AppRequirements(
        "sqlalchemy",
        "3.12",
        "v2",
        (
            "azure-functions==1.20.0",
            "azure-functions-durable==1.2.9",
            "SQLAlchemy==2.0.30",
            "python-dateutil==2.9.0",
        ),
    ),
    AppRequirements(
        "service-bus",
        "3.12",
        "v2",
        (
            "azure-functions==1.24.0",
            "azure-functions-durable==1.4.0",
            "azure-servicebus==7.12.3",
            "typing_extensions==4.12.2",
        ),
    ),
    AppRequirements(
        "unpinned-on-3.12", "3.12", "v1", ("azure-functions", "azure-functions-durable")
    ),
    AppRequirements(
        "second-major-version", "3.13", "v2", ("azure-functions>=2", "azure-functions-durable>=1.3")
    ),
    AppRequirements(
        "unpinned-on-3.13",
        "3.13",
        "v2",
        ("azure-functions", "azure-functions-durable", "aiohttp", "jinja2"),
    ),
)
