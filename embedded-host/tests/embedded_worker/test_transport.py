from __future__ import annotations

import os
import socket
import threading

import pytest

from embedded_worker import transport
from embedded_worker.framing import FrameReader
from embedded_worker.protocol import PLACEMENTS, Hello, Message


def hello_of(sock: socket.socket) -> Hello:
    reader, messages = FrameReader(), list[Message]()
    while not messages:
        messages += reader.feed(sock.recv(65536))
    assert isinstance(messages[0], Hello)
    return messages[0]


@pytest.mark.skipif(os.name != "posix", reason="Windows inherits no sockets")
def test_inherited_sockets_send_hello_with_their_placement() -> None:
    pairs = [socket.socketpair() for _ in PLACEMENTS]
    connected = transport.connect(["fds", *(str(theirs.detach()) for _, theirs in pairs)])
    assert [hello_of(ours).placement for ours, _ in pairs] == list(PLACEMENTS)
    assert not any(os.get_inheritable(sock.fileno()) for sock in connected)
    for sock in (*connected, *(ours for ours, _ in pairs)):
        sock.close()


def test_loopback_connections_send_the_token_and_drop_it_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(transport.TOKEN_VARIABLE, "secret")
    with socket.create_server(("127.0.0.1", 0)) as server:
        connected: list[socket.socket] = []
        port = str(server.getsockname()[1])
        thread = threading.Thread(
            target=lambda: connected.extend(transport.connect(["port", port]))
        )
        thread.start()
        accepted = [server.accept()[0] for _ in PLACEMENTS]
        hellos = [hello_of(sock) for sock in accepted]
        thread.join()
    assert sorted(hello.placement for hello in hellos) == sorted(PLACEMENTS)
    assert {hello.token for hello in hellos} == {"secret"}
    assert transport.TOKEN_VARIABLE not in os.environ
    for sock in (*connected, *accepted):
        sock.close()


def test_the_versions_of_installed_distributions_are_found() -> None:
    from importlib.metadata import version

    assert transport.installed_version("azure-functions") == version("azure-functions")
    assert transport.installed_version("no-such-distribution") == ""
