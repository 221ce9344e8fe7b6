"""The responses of a host without an app."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from embedded_host.access_keys.access import Access
from embedded_host.access_keys.key_file import KeyFile
from embedded_host.http.authorization import Authorization
from embedded_host.http.host_in_error import HostInError
from tests.http.api import request


@pytest.mark.parametrize("target", ["/", "/api/f", "/runtime/webhooks/durabletask/instances"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_each_path_but_admin_is_503(method: str, target: str) -> None:
    response = await HostInError(["x"]).handle(request(method, target))
    assert (response.status, response.body) == (503, b"Function host is not running.")


async def test_the_status_has_the_errors() -> None:
    host = HostInError(["first"])
    host.errors = ["second"]
    status = await host.handle(request("GET", "/Admin/Host/Status/"))
    document = json.loads(status.body)
    assert (status.status, document["state"], document["errors"]) == (200, "Error", ["second"])
    assert (await host.handle(request("GET", "/admin/host/ping"))).status == 200
    assert json.loads((await host.handle(request("GET", "/admin/functions"))).body) == []
    assert (await host.handle(request("POST", "/admin/functions/F"))).status == 503
    assert (await host.handle(request("GET", "/admin/functions/F"))).status == 404


async def test_the_status_requires_the_master_key(tmp_path: Path) -> None:
    keys = KeyFile(tmp_path)
    master = keys.begin().master
    host = HostInError([], Authorization(Access(keys)))
    assert (await host.handle(request("GET", "/admin/host/ping"))).status == 200
    assert (await host.handle(request("GET", "/admin/host/status"))).status == 401
    with_key = request("GET", "/admin/host/status", headers={"x-functions-key": master})
    assert (await host.handle(with_key)).status == 200
