"""Stands in for Microsoft's host in the container tests: the embedded host, wired as the real one must be.

It serves AzureWebJobsScriptRoot on the port of ASPNETCORE_URLS, and insists on what the real host insists on: a storage that
AzureWebJobsStorage leads to, WEBSITE_HOSTNAME, without which the real host answers every start of an orchestration with 500,
and a host id, without which each of several containers has its own keys. While it is down, its state is in that storage, as a
task hub is.
"""

import io
import os
import signal
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient

STATE = Path(tempfile.gettempdir(), "stand-in-state")
SETTINGS = dict(os.environ)  # by the names that Azure gave them, upper case or not


def main() -> int:
    if not SETTINGS.get("WEBSITE_HOSTNAME"):
        sys.exit("WEBSITE_HOSTNAME is not set: Webhooks are not configured")
    if SETTINGS.get("AzureFunctionsJobHost__Logging__Console__IsEnabled") != "true":
        sys.exit("console logging is off")
    if not SETTINGS.get("AzureFunctionsWebHost__hostid"):
        sys.exit(
            "AzureFunctionsWebHost__hostid is not set: each container has its own id and its own keys"
        )
    secrets = Path("/azure-functions-host/Secrets")
    (secrets / "sentinel").write_text("")  # as the real host does; it fails where it may not write
    blobs = BlobServiceClient.from_connection_string(
        SETTINGS["AzureWebJobsStorage"]
    ).get_container_client("stand-in")
    try:
        blobs.create_container()
    except ResourceExistsError:
        _restore(blobs)
    port = urlsplit(SETTINGS["ASPNETCORE_URLS"].replace("+", "any")).port
    network = ["--address", "0.0.0.0", "--allow-anonymous-network"]
    root = [
        "--script-root",
        SETTINGS["AzureWebJobsScriptRoot"],
        "--state",
        str(STATE),
        "--no-reload",
    ]
    host = subprocess.Popen(
        [sys.executable, "-m", "embedded_host", "start", "--port", str(port), *network, *root]
    )
    signal.signal(signal.SIGTERM, lambda *_: host.terminate())
    code = host.wait()
    _keep(blobs)
    return code


def _restore(blobs) -> None:
    try:
        kept = blobs.get_blob_client("state.tar").download_blob().readall()
    except ResourceNotFoundError:
        return
    with tarfile.open(fileobj=io.BytesIO(kept)) as archive:
        archive.extractall(STATE)


def _keep(blobs) -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.add(STATE, arcname=".")
    blobs.get_blob_client("state.tar").upload_blob(archive.getvalue(), overwrite=True)


if __name__ == "__main__":
    sys.exit(main())
