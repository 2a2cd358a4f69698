"""The shipped nginx configuration before a real intake: who enrolled gets through, nobody else.

Needs nginx (Debian: nginx-light); continuous integration installs it.
"""

import datetime
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from central.cli import main
from protocols.evidence.enrol import Approved, decode_answer, sign_poll
from protocols.evidence.enrol_token import Token
from protocols.evidence.heads import decode_heads, sign_heads_request
from protocols.evidence.leaf import Log
from simulators.certificates import make_certificates
from tests.central.machines import Machine
from tests.central.test_serve import Server

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
CONF = Path(__file__).parents[2] / "systemd" / "nginx-intake.conf"
DEADLINE_S = 20.0
CBOR = {"Content-Type": "application/cbor"}

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed: nginx-light")


class Terminator(Server):
    """A central behind an nginx with the shipped configuration."""

    def __init__(self, directory, capsys):
        made = make_certificates(directory, datetime.datetime.now(datetime.UTC))
        pair = (made.cert.read_bytes(), made.key.read_bytes())
        super().__init__(directory, pair, capsys)
        path = directory / "central.toml"
        options = 'ca = "ca.pem"\nclient_identity_header = "Gas-Client-Identity"\n'
        path.write_text(path.read_text().replace("[web]", options + "[web]"))
        self.capsys = capsys
        self.nginx = None
        self.store = str(directory / "store")

    def command(self, *words):
        assert main(["gateway", *words, "--store", self.store]) == 0
        return self.capsys.readouterr().out.strip()

    def start(self):
        super().start()
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.url = f"https://localhost:{port}"
        text = CONF.read_text()
        for old, new in (
            ("127.0.0.1:8443", self.intake.removeprefix("https://")),
            ("listen 8444 ssl", f"listen 127.0.0.1:{port} ssl"),
            ("/etc/gas-gateway/gateway-ca.pem", f"{self.store}/gateway-ca.pem"),
            ("/etc/gas-gateway/central.pem", f"{self.directory}/ca.pem"),
            ("/etc/gas-gateway/", f"{self.directory}/"),
        ):
            assert old in text, old
            text = text.replace(old, new)
        folders = "".join(
            f"{name}_temp_path {self.directory}/{name};\n"
            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (self.directory / "nginx.conf").write_text(
            f"daemon off;\nworker_processes 1;\npid {self.directory}/nginx.pid;\n"
            f"error_log {self.directory}/nginx.log info;\nevents {{}}\n"
            f"http {{\naccess_log off;\n{folders}\n{text}\n}}\n"
        )
        self.nginx = subprocess.Popen(
            [NGINX, "-p", str(self.directory), "-c", str(self.directory / "nginx.conf")],
            stderr=subprocess.PIPE,
        )
        self._wait_for(port)

    def _wait_for(self, port):
        tick = threading.Event()
        until = time.monotonic() + DEADLINE_S
        while time.monotonic() < until and self.nginx.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
            except OSError:
                tick.wait(0.05)
                continue
            return
        self.nginx.kill()
        raise AssertionError(self.nginx.stderr.read().decode())

    def close(self):
        if self.nginx is not None:
            self.nginx.terminate()
            self.nginx.wait(DEADLINE_S)
            self.nginx.stderr.close()
        if self.process is not None:
            self.end(signal.SIGTERM)

    def connect(self, certificate=None):
        made = requests.Session()
        made.trust_env = False
        made.verify = str(self.directory / "ca.pem")
        made.cert = certificate
        return made


@pytest.fixture
def behind(tmp_path, capsys):
    made = Terminator(tmp_path, capsys)
    yield made
    made.close()


def enrolled(behind, directory, gateway):
    """A machine that enrolled through the terminator; its certificate's files."""
    machine = Machine(gateway)
    ca = str(directory / "ca.pem")
    token = Token.from_text(behind.command("add", gateway, "--token", "--ca", ca))
    with behind.connect() as session:
        answer = session.post(
            f"{behind.url}/v1/enroll", machine.signed(token.secret), headers=CBOR, timeout=20
        )
        assert answer.status_code == 200, answer.text
        behind.command("approve", gateway, machine.fingerprint, "--who", "Li", "--reason", "site")
        header = {"Gas-Request": sign_poll(gateway, machine.signer)}
        answer = session.get(f"{behind.url}/v1/enroll/{gateway}", headers=header, timeout=20)
    told = decode_answer(answer.content)
    assert isinstance(told, Approved)
    certificate = x509.load_der_x509_certificate(told.certificate)
    files = directory / f"{gateway}.pem", directory / f"{gateway}.key"
    files[0].write_bytes(certificate.public_bytes(Encoding.PEM))
    files[1].write_bytes(machine.tls_pem())
    return machine, (str(files[0]), str(files[1]))


def test_only_its_own_certificate_lets_a_gateways_uploads_in(behind, made, tmp_path):
    """Enrolled, through; with none, with another gateway's, or with a claim in the header: 403."""
    behind.start()
    machine, own = enrolled(behind, tmp_path, "gw-1")
    _, others = enrolled(behind, tmp_path, "gw-2")
    gateway = made.Gateway("gw-1").configure(made.config())
    gateway.signer = machine.signer
    body = gateway.upload(Log.BILLING, 0)
    claim = {**CBOR, "Gas-Client-Identity": "gw-1"}
    url = f"{behind.url}/v1/upload"
    for certificate, headers in ((None, CBOR), (others, CBOR), (None, claim), (others, claim)):
        with behind.connect(certificate) as session:
            assert session.post(url, body, headers=headers, timeout=20).status_code == 403
    with behind.connect(own) as session:
        answer = session.post(url, body, headers=CBOR, timeout=20)
        assert answer.status_code == 200, answer.text
        header = {"Gas-Request": sign_heads_request("gw-1", machine.signer)}
        answer = session.get(f"{behind.url}/v1/heads/gw-1", headers=header, timeout=20)
        assert decode_heads(answer.content, "gw-1").newest_epoch == 0


def test_a_certificate_of_another_authority_is_none(behind, made, tmp_path, certificate):
    """What the gateways' authority did not sign never reaches the intake."""
    behind.start()
    machine, _ = enrolled(behind, tmp_path, "gw-1")
    (tmp_path / "self.pem").write_bytes(certificate[0])
    (tmp_path / "self.key").write_bytes(certificate[1])
    gateway = made.Gateway("gw-1").configure(made.config())
    gateway.signer = machine.signer
    files = (str(tmp_path / "self.pem"), str(tmp_path / "self.key"))
    with behind.connect(files) as session:
        answer = session.post(
            f"{behind.url}/v1/upload", gateway.upload(Log.BILLING, 0), headers=CBOR, timeout=20
        )
    assert answer.status_code == 400
    assert re.search("SSL certificate error", answer.text)
