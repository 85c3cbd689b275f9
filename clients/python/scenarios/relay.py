"""A TCP proxy whose connections can be broken."""

from __future__ import annotations

import math
import socket
import threading


class Relay:
    """Listens on a free local port and forwards connections to `target`. It breaks all connections once after
    `cut_after` bytes of responses."""

    def __init__(self, target: str, cut_after: float = math.inf) -> None:
        host, _, port = target.rpartition(":")
        self.target = (host, int(port))
        self.server = socket.create_server(("127.0.0.1", 0))
        self.open: list[socket.socket] = []
        self.connections = 0
        self.left = cut_after
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server.getsockname()[1]}"

    def cut(self) -> None:
        """Breaks every open connection. New connections are accepted."""
        broken, self.open = self.open, []
        for connection in broken:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # already closed

    def __enter__(self) -> Relay:
        return self

    def __exit__(self, *_: object) -> None:
        self.server.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            server = socket.create_connection(self.target)
            self.connections += 1
            self.open += [client, server]
            threading.Thread(target=self._forward, args=(client, server), daemon=True).start()
            threading.Thread(target=self._forward, args=(server, client, True), daemon=True).start()

    def _forward(self, source: socket.socket, sink: socket.socket, is_response: bool = False) -> None:
        try:
            while data := source.recv(65_536):
                if is_response and self.left > 0:
                    self.left -= len(data)
                    if self.left <= 0:
                        return self.cut()
                sink.sendall(data)
        except OSError:
            pass  # one side has closed the connection
        finally:
            for connection in (source, sink):
                connection.close()
