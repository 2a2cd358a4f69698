"""A real nginx with the shipped configuration of systemd/, before an intake on any port."""

import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
MISSING = "nginx is not installed: apt-get install nginx-light"
CONF = Path(__file__).parents[2] / "systemd" / "nginx-intake.conf"
DEADLINE_S = 20.0


class Terminator:
    """Listens on `port` of the loopback; `directory` has ca.pem, server.pem, server.key."""

    def __init__(self, directory: Path, store: Path, intake_port: int) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self._log = directory / "nginx.log"
        path = directory / "nginx.conf"
        path.write_text(self._whole(directory, store, intake_port))
        assert NGINX is not None, MISSING
        self._process = subprocess.Popen(
            [NGINX, "-p", str(directory), "-c", str(path)], stderr=subprocess.DEVNULL
        )
        self._wait()

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(DEADLINE_S)

    def _whole(self, directory: Path, store: Path, intake_port: int) -> str:
        text = CONF.read_text()
        for old, new in (
            ("127.0.0.1:8443", f"127.0.0.1:{intake_port}"),
            ("listen 8444 ssl", f"listen 127.0.0.1:{self.port} ssl"),
            ("/etc/gas-gateway/gateway-ca.pem", f"{store}/gateway-ca.pem"),
            ("/etc/gas-gateway/central.pem", f"{directory}/ca.pem"),
            ("/etc/gas-gateway/", f"{directory}/"),
        ):
            assert old in text, old
            text = text.replace(old, new)
        folders = "".join(
            f"{name}_temp_path {directory}/{name};\n"
            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        return (
            f"daemon off;\nworker_processes 1;\npid {directory}/nginx.pid;\n"
            f"error_log {self._log} info;\nevents {{}}\n"
            f"http {{\naccess_log off;\n{folders}\n{text}\n}}\n"
        )

    def _wait(self) -> None:
        tick = threading.Event()
        until = time.monotonic() + DEADLINE_S
        while time.monotonic() < until and self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                tick.wait(0.05)
                continue
            return
        self._process.kill()
        self._process.wait()
        raise AssertionError(self._log.read_text() if self._log.exists() else "nginx did not start")
