"""Enrolment over a real socket."""

import http.client

import pytest

from central.enrol_decisions import Pins, approve, make_token
from central.enrolment import Keys
from central.gateway_ca import create_gateway_ca, load_gateway_ca
from central.intake import enroller as module
from central.intake.app import IntakeApp
from central.intake.enroller import Enroller
from central.registry import Who
from protocols.evidence.enrol import (
    Approved,
    Denied,
    Pending,
    decode_answer,
    sign_poll,
    sign_request,
)
from tests.central.machines import Machine
from tests.central.web.serving import serving

WHO = Who("Li Wei", "site 3")
CBOR = {"Content-Type": "application/cbor"}


class Line:
    """One connection to a served intake that enrols."""

    def __init__(self, central, url):
        self.central = central
        self.connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=20)

    def ask(self, method, path, body=None, headers=CBOR):
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        return answer.status, dict(answer.headers), answer.read()

    def enrol(self, data):
        return self.ask("POST", "/v1/enroll", data)

    def poll(self, machine):
        header = {"Gas-Request": sign_poll(machine.gateway, machine.signer)}
        return self.ask("GET", f"/v1/enroll/{machine.gateway}", headers=header)

    def token(self, gateway="gw-1"):
        pins = Pins(b"c" * 32, b"r" * 32)
        return make_token(self.central.store, gateway, "", pins, lambda: self.central.now_ms, WHO)


@pytest.fixture
def line(central, monkeypatch):
    monkeypatch.setattr(module, "STRANGERS_BURST", 5)
    directory = central.store.directory
    create_gateway_ca(directory, "central", central.now_ms)
    ca = load_gateway_ca(directory)
    keys = Keys(central.cosigner.vkey, "orders", ca)
    enroller = Enroller(central.store, lambda: keys, b"the CA", lambda: central.now_ms)
    app = IntakeApp(central.intake, enroller)
    with serving(app) as url:
        made = Line(central, url)
        made.ca = ca
        yield made
        made.connection.close()
    app.close()


def test_from_the_token_to_the_certificate(line, central):
    """The CA, the request, the wait, the approval: what a gateway does, in its order."""
    machine = Machine()
    assert line.ask("GET", "/v1/ca")[2] == b"the CA"
    status, headers, body = line.enrol(machine.signed(line.token().secret))
    assert (status, headers["content-type"]) == (200, "application/cbor")
    assert decode_answer(body) == Pending(machine.fingerprint)
    assert decode_answer(line.poll(machine)[2]) == Pending(machine.fingerprint)
    approve(central.store, "gw-1", machine.fingerprint, line.ca, lambda: central.now_ms, WHO)
    told = decode_answer(line.poll(machine)[2])
    assert isinstance(told, Approved)
    renewed = decode_answer(line.enrol(machine.signed(b""))[2])
    assert isinstance(renewed, Approved)
    assert renewed.certificate not in (b"", told.certificate)


def test_a_denial_is_an_answer_of_the_protocol(line):
    """200, with the reason in the protocol's own words: the gateway shows it to the fitter."""
    status, _, body = line.enrol(Machine().signed(b"0" * 16))
    assert status == 200
    assert isinstance(decode_answer(body), Denied)


def test_what_proves_nothing_is_refused(line):
    """Garbage, a request signed by another key, a poll of nobody."""
    machine = Machine()
    assert line.enrol(b"\x80")[0] == 400
    assert line.enrol(bytes(5000))[0] == 413
    request = machine.request(b"")
    assert line.enrol(sign_request(request, Machine(seed=b"z").signer))[0] == 401
    assert line.poll(machine)[0] == 401
    assert line.ask("GET", "/v1/enroll/GW 1".replace(" ", "%20"))[0] == 400


def test_guessing_is_slow_and_a_good_token_never_waits(line, central):
    """Strangers share one budget; who has a token is not in it."""
    wrong = Machine().signed(b"0" * 16)
    answers = [line.enrol(wrong) for _ in range(8)]
    assert [status for status, *_ in answers].count(429) == 3
    assert int(answers[-1][1]["retry-after"]) == 1
    machine = Machine("gw-2")
    told = decode_answer(line.enrol(machine.signed(line.token("gw-2").secret))[2])
    assert told == Pending(machine.fingerprint)
    assert line.poll(machine)[0] == 200
    central.now_ms += 1000
    assert line.enrol(wrong)[0] == 200
