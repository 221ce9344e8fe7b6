"""The admin endpoints for keys: the recorded lists (functions-host.md#admin-endpoints)."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from embedded_host.access_keys.access import Access
from embedded_host.access_keys.key_file import DEFAULT, DURABLE, LOCK_FILE, KeyFile
from embedded_host.app.definitions import App, Binding, Function, HostJson, LocalSettings
from embedded_host.http.admin import Admin
from embedded_host.http.authorization import Authorization
from embedded_host.store.lock import exclusive_lock
from embedded_host.workers.current_app import CurrentApp
from embedded_host.workers.loaded_app import LoadedApp
from tests.http.api import BASE, request


class AdminKeysFixture:
    def __init__(self, folder: Path) -> None:
        self.file = KeyFile(folder)
        self.keys = self.file.begin()
        function = Function(
            "Start", Path("app/Start"), Path("x.py"), "main", (Binding("httpTrigger", "x", "in"),)
        )
        loaded = LoadedApp(App(Path("/apps/app"), HostJson(), LocalSettings(), (function,)))
        self.admin = Admin(
            CurrentApp(loaded), lambda f, input: None, Authorization(Access(self.file)), self.file
        )

    async def request(
        self, method: str, target: str, body: str = "", key: str | None = None
    ) -> tuple[int, Any, dict[str, str]]:
        sent = request(
            method, target, body, {"x-functions-key": self.keys.master if key is None else key}
        )
        response = await self.admin.handle(sent)
        is_json = dict(response.headers).get("Content-Type", "").startswith("application/json")
        body = json.loads(response.body) if is_json else response.body.decode()
        return response.status, body, dict(response.headers)


@pytest.fixture
def admin(tmp_path: Path) -> AdminKeysFixture:
    return AdminKeysFixture(tmp_path)


@pytest.mark.parametrize("path", ["host/keys", "host/functionkeys"])
async def test_host_keys_are_listed_with_a_link(admin: AdminKeysFixture, path: str) -> None:
    status, body, _ = await admin.request("GET", f"/admin/{path}?code=x")
    assert status == 200
    assert body == {
        "keys": [{"name": DEFAULT, "value": admin.keys.host[DEFAULT]}],
        "links": [{"rel": "self", "href": f"{BASE}/admin/{path}"}],
    }


async def test_the_master_key_is_a_system_key_that_is_not_listed(admin: AdminKeysFixture) -> None:
    _, body, _ = await admin.request("GET", "/admin/host/systemkeys")
    assert body["keys"] == [{"name": DURABLE, "value": admin.keys.system[DURABLE]}]
    _, body, _ = await admin.request("GET", "/admin/host/systemkeys/_master")
    assert body["value"] == admin.keys.master
    assert (await admin.request("GET", "/admin/host/keys/_master"))[0] == 404


async def test_function_keys_are_listed_by_function(admin: AdminKeysFixture) -> None:
    status, body, _ = await admin.request("GET", "/admin/functions/START/keys")
    assert status == 200
    assert [key["name"] for key in body["keys"]] == [DEFAULT]
    assert body["keys"][0]["value"] == admin.file.keys().functions["start"][DEFAULT]
    assert (await admin.request("GET", "/admin/functions/None/keys"))[0] == 404
    assert (await admin.request("POST", "/admin/functions/None/keys/x"))[0] == 404


@pytest.mark.parametrize(
    "path",
    ["/admin/host/keys/Mine", "/admin/host/systemkeys/Mine", "/admin/functions/Start/keys/Mine"],
)
async def test_a_key_is_created_renewed_set_and_deleted(admin: AdminKeysFixture, path: str) -> None:
    assert (await admin.request("GET", path))[0] == 404
    status, created, headers = await admin.request("POST", path)
    assert (status, headers["Location"]) == (201, f"{BASE}/")
    assert list(created) == ["name", "value", "links"]
    status, renewed, _ = await admin.request("POST", path)
    assert status == 200
    assert renewed["value"] != created["value"]
    assert (await admin.request("PUT", path, '{"name": "Mine", "value": "chosen"}'))[1][
        "value"
    ] == "chosen"
    assert (await admin.request("GET", path))[1] == {**renewed, "value": "chosen"}
    for body in ("", "{", "[]", "{}", '{"value": null}', '{"value": 1}', '{"value": ""}'):
        assert (await admin.request("PUT", path, body))[:2] == (400, "Invalid key value")
    assert (await admin.request("DELETE", path))[0] == 204
    assert (await admin.request("DELETE", path))[0] == 404


async def test_a_request_that_waits_for_the_lock_of_the_keys_does_not_block_the_event_loop(
    admin: AdminKeysFixture,
) -> None:
    with exclusive_lock(admin.file.path.with_name(LOCK_FILE), 0):
        waiting = asyncio.ensure_future(admin.request("POST", "/admin/host/keys/Mine"))
        done, _ = await asyncio.wait([waiting], timeout=0.1)
        assert not done
    assert (await asyncio.wait_for(waiting, 10))[0] == 201


async def test_the_master_key_is_renewed_and_never_deleted(admin: AdminKeysFixture) -> None:
    assert (await admin.request("DELETE", "/admin/host/systemkeys/_master"))[:2] == (
        400,
        "Invalid key name.",
    )
    status, renewed, _ = await admin.request("POST", "/admin/host/systemkeys/_master")
    assert status == 200
    assert (await admin.request("GET", "/admin/host/keys"))[0] == 401
    assert (await admin.request("GET", "/admin/host/keys", key=renewed["value"]))[0] == 200


@pytest.mark.parametrize(
    "target",
    [
        "/admin/host/keys",
        "/admin/host/systemkeys/_master",
        "/admin/functions/Start/keys",
        "/admin/functions",
        "/admin/host/status",
        "/admin/x",
        "/admin",
    ],
)
async def test_only_the_master_key_gives_access_to_the_admin_api(
    admin: AdminKeysFixture, target: str
) -> None:
    keys = admin.keys
    assert (await admin.request("GET", target, key=""))[0] == 401
    for key in (keys.host[DEFAULT], keys.system[DURABLE]):
        assert (await admin.request("GET", target, key=key))[0] == 403
    assert (await admin.request("GET", "/admin/host/ping", key=""))[0] == 200


async def test_key_paths_are_404_if_no_keys_are_required() -> None:
    loaded = LoadedApp(App(Path("/apps/app"), HostJson(), LocalSettings(), ()))
    response = await Admin(CurrentApp(loaded), lambda f, input: None).handle(
        request("GET", "/admin/host/keys")
    )
    assert response.status == 404
