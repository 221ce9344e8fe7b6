"""Replace the Azure Functions host in the container tests with the embedded host.

The stand-in serves AzureWebJobsScriptRoot on the port of ASPNETCORE_URLS. It requires the same
settings as the Azure Functions host: a storage at AzureWebJobsStorage, WEBSITE_HOSTNAME (else each
start of an instance returns 500), and a host id (else each container has its own keys). While it is
stopped, its state is in that storage, like a task hub.
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
SETTINGS = dict(os.environ)  # setting names keep their case


def main() -> int:
    if not SETTINGS.get("WEBSITE_HOSTNAME"):
        sys.exit("WEBSITE_HOSTNAME is not set: Webhooks are not configured")
    if SETTINGS.get("AzureFunctionsJobHost__Logging__Console__IsEnabled") != "true":
        sys.exit("console logging is off")
    if not SETTINGS.get("AzureFunctionsWebHost__hostid"):
        sys.exit(
            "AzureFunctionsWebHost__hostid is not set: each container has its own id and its own "
            "keys"
        )
    secrets = Path("/azure-functions-host/Secrets")
    (secrets / "sentinel").write_text(
        ""
    )  # as the Azure Functions host does; fails without write permission
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
