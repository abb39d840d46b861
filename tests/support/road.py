"""The road to an HTTP server, which a test can close and make slow, and which notes what goes by."""

import socket
import threading
from contextlib import closing, suppress
from types import TracebackType
from typing import Final, Self

from tests.support.kafka import free_port


class Road:
    """Forwards connections from a port of its own, one request each, once `open` was called.

    `delay_s`: how long an answer is held back. `asked`: the requests that went by, such as `GET /subjects`.
    """

    def __init__(self, port: int) -> None:
        """Closed: connections are refused."""
        self.port: Final = free_port()
        self.delay_s = 0.0
        self.asked: list[str] = []
        self._target = port
        self._listener: socket.socket | None = None
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self.close()

    def open(self) -> None:
        """Let connections through."""
        listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def close(self) -> None:
        """Refuse connections."""
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
            listener.close()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):  # closed
            while True:
                near, _ = listener.accept()
                threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def _carry(self, near: socket.socket) -> None:
        with suppress(OSError), closing(near), socket.create_connection(("127.0.0.1", self._target)) as far:
            threading.Thread(target=self._forward, args=(near, far), daemon=True).start()
            self._ended.wait(self.delay_s)
            while answer := far.recv(65_536):
                near.sendall(answer)

    def _forward(self, near: socket.socket, far: socket.socket) -> None:
        with suppress(OSError):
            first = True
            while data := near.recv(65_536):
                if first:
                    self.asked.append(data.split(b" HTTP/", 1)[0].decode())
                    first = False
                far.sendall(data)
