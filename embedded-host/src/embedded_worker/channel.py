"""One end of a socket between host and worker, in an event loop."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import cast

from embedded_worker.framing import FrameReader, MalformedFrameError, encode
from embedded_worker.protocol import Message

FEW_CALLS = 3
"""Largest number of running calls at which each message is written at once.

With more calls, the messages of one iteration of the event loop share a write.
"""
LARGE_FRAME = 256 * 1024
"""Size in bytes of a large frame, which waits until the socket has accepted the frames before it.

Smaller frames overtake waiting large frames, so that a call waits for at most one large frame.
"""


class Channel(asyncio.Protocol):
    """Sends and receives messages.

    ``on_message(channel, message)`` and ``on_close(channel)`` run in the event loop.
    """

    def __init__(
        self, on_message: Callable[[Channel, Message], None], on_close: Callable[[Channel], None]
    ) -> None:
        self._on_message, self._on_close = on_message, on_close
        self._reader = FrameReader()
        self._transport: asyncio.Transport | None = None
        self._unsent: list[bytes] = []
        self._large: deque[bytes] = deque()
        self._paused = False

    def handle(
        self, on_message: Callable[[Channel, Message], None], on_close: Callable[[Channel], None]
    ) -> None:
        """Replace both callbacks."""
        self._on_message, self._on_close = on_message, on_close

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Use ``transport`` to send."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Pass each completed message to ``on_message``. A malformed frame closes the channel."""
        try:
            messages = self._reader.feed(data)
        except MalformedFrameError:
            self.close()
            return
        for message in messages:
            self._on_message(self, message)

    def connection_lost(self, error: Exception | None) -> None:
        """Call ``on_close``."""
        self._transport = None
        self._on_close(self)

    def send(self, message: Message, *, at_once: bool = False) -> None:
        """Send ``message`` at the end of this iteration of the event loop, together with others.

        Send it now if ``at_once`` is True and no other message waits.
        Raises ConnectionError if the connection is closed, and UnsendableMessageError if
        ``framing.encode`` raises it.
        """
        if self._transport is None or self._transport.is_closing():
            raise ConnectionResetError("the connection between host and worker is closed")
        frame = encode(message)
        if len(frame) >= LARGE_FRAME:
            self._large.append(frame)
            self._write_large()
        elif at_once and not self._unsent:
            self._transport.write(frame)
        else:
            if not self._unsent:
                asyncio.get_running_loop().call_soon(self._flush)
            self._unsent.append(frame)

    def send_last(self, message: Message) -> None:
        """Send ``message`` now, after the messages that wait, because the process exits.

        Raises ConnectionError and UnsendableMessageError as ``send`` does.
        """
        self.send(message)
        self._flush()

    def _write_large(self) -> None:
        while self._large and not self._paused and self._transport is not None:
            self._transport.write(self._large.popleft())

    @property
    def is_paused(self) -> bool:
        """True while the socket accepts no data."""
        return self._paused

    def pause_writing(self) -> None:
        """Keep further large frames until the socket accepts data again."""
        self._paused = True

    def resume_writing(self) -> None:
        """Write the large frames that wait."""
        self._paused = False
        self._write_large()

    def _flush(self) -> None:
        unsent, self._unsent = self._unsent, []
        if self._transport is not None and unsent:
            self._transport.write(unsent[0] if len(unsent) == 1 else b"".join(unsent))

    def close(self) -> None:
        """Write the queued messages, then close the socket."""
        self._flush()
        if self._transport is not None:
            while self._large:
                self._transport.write(self._large.popleft())
            self._transport.close()
