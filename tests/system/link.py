"""A TCP link between agent and central that a test can cut, also in the middle of a body."""

import socket
import threading

CHUNK_BYTES = 512


class Link:
    """Forwards loopback connections to a port; while cut it resets what is open and what comes."""

    def __init__(self, target_port: int) -> None:
        self.target_port = target_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._is_cut = False
        self._after_bytes: int | None = None
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, after_bytes: int = 0) -> None:
        """Cut the link at once, or when that many more bytes have gone through either way."""
        if after_bytes:
            with self._lock:
                self._after_bytes = after_bytes
            return
        with self._lock:
            self._is_cut, self._after_bytes = True, None
            victims, self._open = list(self._open), set()
        for end in victims:
            _reset(end)

    def mend(self) -> None:
        """Let connections through again."""
        with self._lock:
            self._is_cut, self._after_bytes = False, None

    def close(self) -> None:
        """Stop listening and drop what is open."""
        self.cut()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.target_port), timeout=2.0)
            except OSError:
                _reset(near)
                continue
            far.settimeout(None)
            with self._lock:
                refused = self._is_cut
                if not refused:
                    self._open |= {near, far}
            if refused:
                _reset(near)
                _reset(far)
                continue
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(CHUNK_BYTES):
                if self._spent(len(data)):
                    self.cut()
                    return
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        finally:
            with self._lock:
                self._open.discard(source)
            source.close()

    def _spent(self, count: int) -> bool:
        with self._lock:
            if self._after_bytes is None:
                return False
            self._after_bytes -= count
            return self._after_bytes <= 0


def _reset(end: socket.socket) -> None:
    """Close with RST, as a lost link looks after its timeout; both pumps wake up."""
    try:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    end.close()
