"""A log server that reads and forgets, for HAProxy, which leaves files to others."""

import socket
import threading


class LogSink:
    """Listens on 127.0.0.1 for as long as the program runs. Its thread inherits the load's core."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        # One at a time: a proxy has one connection to it, and only one proxy runs.
        while True:
            connection, _ = self._listener.accept()
            with connection:
                try:
                    while connection.recv(1 << 20):
                        pass
                except OSError:
                    pass  # a proxy that was stopped may reset it
