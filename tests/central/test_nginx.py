"""The shipped nginx configuration before a real intake: who enrolled gets through, nobody else.

Needs nginx (Debian: nginx-light); continuous integration installs it.
"""

import datetime
import re
import signal

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
from tests.central.nginx import MISSING, NGINX, Terminator
from tests.central.test_serve import Server

CBOR = {"Content-Type": "application/cbor"}

pytestmark = pytest.mark.skipif(NGINX is None, reason=MISSING)


class Behind(Server):
    """A central behind an nginx with the shipped configuration."""

    def __init__(self, directory, capsys):
        made = make_certificates(directory, datetime.datetime.now(datetime.UTC))
        super().__init__(directory, (made.cert.read_bytes(), made.key.read_bytes()), capsys)
        path = directory / "central.toml"
        options = 'ca = "ca.pem"\nclient_identity_header = "Gas-Client-Identity"\n'
        path.write_text(path.read_text().replace("[web]", options + "[web]"))
        self.capsys = capsys
        self.store = directory / "store"
        self.terminator = None

    def command(self, *words):
        assert main(["gateway", *words, "--store", str(self.store)]) == 0
        return self.capsys.readouterr().out.strip()

    def start(self):
        super().start()
        port = int(self.intake.rsplit(":", 1)[1])
        self.terminator = Terminator(self.directory, self.store, port)
        self.url = f"https://localhost:{self.terminator.port}"

    def close(self):
        if self.terminator is not None:
            self.terminator.close()
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
    made = Behind(tmp_path, capsys)
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
