"""Enrolment from the token to the certificate, on a real store."""

import pytest
from cryptography import x509
from sqlalchemy import func, select, update

from central.enrol_decisions import Pins, approve, make_token, refuse, waiting
from central.enrolment import Keys, answer, ask, poll, renew
from central.gateway_ca import create_gateway_ca, load_gateway_ca
from central.key_spans import acts, load_schedule
from central.registry import RegistryError, Who, list_gateways, revoke
from central.store.registry_tables import enrol_token
from protocols.evidence.enrol import Approved, Denied, Pending, open_request, sign_poll
from protocols.evidence.enrol_token import LIFE_S, Token
from protocols.evidence.leaf import Log
from tests.central.machines import Machine

WHO = Who("Li Wei", "site 3")
PINS = Pins(b"c" * 32, b"r" * 32)


class Office:
    """Central's side, with a clock that the test moves."""

    def __init__(self, central):
        self.central = central
        self.store = central.store
        create_gateway_ca(self.store.directory, "central", central.now_ms)
        self.ca = load_gateway_ca(self.store.directory)
        self.keys = Keys(central.cosigner.vkey, "orders", self.ca)

    def clock(self):
        return self.central.now_ms

    def token(self, gateway="gw-1", serial="SN-1"):
        return make_token(self.store, gateway, serial, PINS, self.clock, WHO)

    def ask(self, machine, token, replaces=None):
        """The answer to a request."""
        data = machine.signed(token.secret, replaces)
        with self.store.writer.begin() as conn:
            number = ask(conn, open_request(data), data, self.clock())
            return number if isinstance(number, Denied) else answer(conn, number, self.keys)

    def poll(self, machine):
        """The answer to who asks again, or None."""
        with self.store.engine.connect() as conn:
            number = poll(conn, machine.gateway, sign_poll(machine.gateway, machine.signer))
            return None if number is None else answer(conn, number, self.keys)

    def approve(self, machine):
        return approve(self.store, machine.gateway, machine.fingerprint, self.ca, self.clock, WHO)


@pytest.fixture
def office(central):
    return Office(central)


def test_a_gateway_is_let_in_by_its_fingerprint(office):
    """Token, request, the operator's look, approval: then it may upload, with a certificate."""
    machine = Machine()
    token = office.token()
    assert Token.from_text(token.to_text()) == token
    assert office.ask(machine, token) == Pending(machine.fingerprint)
    assert list_gateways(office.store) == []
    [one] = office.central.ask(waiting)
    assert (one.gateway, one.fingerprint, one.serial) == ("gw-1", machine.fingerprint, "SN-1")
    assert office.poll(machine) == Pending(machine.fingerprint)
    assert office.approve(machine) == 0
    told = office.poll(machine)
    assert isinstance(told, Approved)
    assert (told.receipt_vkey, told.order_vkey, told.epoch) == (
        office.central.cosigner.vkey, "orders", 0,
    )  # fmt: skip
    certificate = x509.load_der_x509_certificate(told.certificate)
    assert certificate.public_key() == machine.tls.public_key()
    assert office.central.ask(load_schedule, "gw-1").newest == machine.signer.vkey
    assert [one.act for one in office.central.ask(acts)] == ["token", "enrolled", "approved"]
    assert office.ask(machine, token) == told, "the same request, as after a lost answer"


def test_a_token_is_stored_hashed_only(office):
    """Whoever reads the database can enrol nobody."""
    token = office.token()
    row = office.central.ask(lambda conn: conn.execute(select(enrol_token)).one())
    assert token.secret not in tuple(row)
    assert row.token_hash == token.secret_sha256()
    kept = b"".join(path.read_bytes() for path in office.store.directory.iterdir())
    assert token.secret_sha256() in kept
    assert token.secret not in kept
    assert token.secret.hex().encode() not in kept


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda office, machine: setattr(machine, "serial", "SN-2"), "serial SN-1"),
        (lambda office, machine: office.ask(Machine(seed=b"k"), office.given), "was used"),
        (lambda office, machine: office.later(LIFE_S * 1000), "over"),
        (lambda office, machine: office.given_to("gw-2"), "no such token"),
        (lambda office, machine: office.forget(), "no such token"),
    ],
    ids=["another machine", "used", "a day later", "another gateway", "unknown"],
)
def test_a_token_lets_in_once_for_a_day_one_machine(office, change, told):
    """Everything else is denied with the reason, and asks nothing of an operator."""
    machine = Machine()
    office.given = office.token()
    office.later = lambda ms: setattr(office.central, "now_ms", office.central.now_ms + ms)
    office.given_to = lambda gateway: setattr(office, "given", office.token(gateway))
    office.forget = lambda: setattr(office, "given", office.given._replace(secret=b"0" * 16))
    change(office, machine)
    before = office.central.ask(waiting)
    denied = office.ask(machine, office.given)
    assert isinstance(denied, Denied)
    assert told in denied.reason
    assert denied.remedy
    assert office.central.ask(waiting) == before


def test_a_later_request_takes_the_place_of_one_that_waits(office):
    """Somebody made keys twice: one request waits, and only that can be approved."""
    first, second = Machine(), Machine(seed=b"n")
    office.ask(first, office.token())
    office.ask(second, office.token())
    assert [one.fingerprint for one in office.central.ask(waiting)] == [second.fingerprint]
    with pytest.raises(RegistryError, match="compare it"):
        office.approve(first)
    assert isinstance(office.poll(first), Denied)
    assert office.approve(second) == 0


def test_a_refused_request_is_told(office):
    """The operator's no reaches the gateway."""
    machine = Machine()
    office.ask(machine, office.token())
    refuse(office.store, "gw-1", machine.fingerprint.upper(), office.clock, WHO)
    assert isinstance(office.poll(machine), Denied)
    with pytest.raises(RegistryError, match="compare it"):
        office.approve(machine)


def test_nobody_else_hears_how_it_stands(office):
    """A poll that is signed by another key is of no request."""
    office.ask(Machine(), office.token())
    assert office.poll(Machine(seed=b"q")) is None
    assert office.poll(Machine(gateway="gw-2")) is None


def test_enrolled_again_after_a_clone(office, polled, made):
    """A new key from a new epoch on; what the old one signed stays provable; the stop is over."""
    central = office.central
    central.register(polled)
    central.send(polled, Log.TELEMETRY, 30)
    forked = made.Gateway().configure(made.config())
    for _ in range(14):
        forked.poll(counts=1)
    assert central.intake.receive(forked.upload(Log.TELEMETRY, 0, 30)).status == 403
    machine = Machine(seed=b"n")
    office.ask(machine, office.token())
    assert office.approve(machine) == 1
    assert office.poll(machine).epoch == 1
    schedule = central.ask(load_schedule, "gw-1")
    assert schedule.key_for(polled.origin(Log.TELEMETRY), 30).vkey == polled.signer.vkey
    for clone in (polled.upload(Log.TELEMETRY, 30), polled.upload(Log.BILLING, 0)):
        assert central.intake.receive(clone).status == 401
    again = made.Gateway(epoch=1)
    again.signer = machine.signer
    again.configure(made.config()).poll()
    assert central.intake.receive(again.upload(Log.BILLING, 0)).status == 200
    polled.signer = machine.signer
    assert central.intake.receive(polled.upload(Log.BILLING, 0)).status == 401


def test_a_key_that_was_in_use_is_not_enrolled_again(office, polled):
    """The gateway must make a new one."""
    office.central.register(polled)
    machine = Machine()
    machine.signer = polled.signer
    denied = office.ask(machine, office.token())
    assert "in use before" in denied.reason


def test_a_replacement_is_told_where_the_old_gateway_ended(office, polled):
    """Checkpoints and receipts of the old one, once the operator approved."""
    central = office.central
    central.register(polled)
    central.send(polled, Log.TELEMETRY, 30)
    central.send(polled, Log.BILLING)
    machine = Machine("gw-2", "SN-9")
    assert isinstance(office.ask(machine, office.token("gw-2", ""), "gw-1"), Pending)
    assert central.ask(waiting)[0].replaces == "gw-1"
    office.approve(machine)
    replaced = office.poll(machine).replaced
    assert replaced.gateway == "gw-1"
    assert [note.checkpoint.split(b"\n")[1] for note in replaced.cited] == [
        str(len(polled.leaves[Log.BILLING])).encode(), b"30",
    ]  # fmt: skip
    assert all(note.receipt for note in replaced.cited)
    denied = office.ask(Machine("gw-3"), office.token("gw-3"), "gw-7")
    assert "not registered" in denied.reason


def test_a_certificate_is_renewed_by_the_key_in_force(office, polled):
    """Without a token, signed by the registered log key; by no other, and by no revoked one."""
    central = office.central
    machine = Machine()
    machine.signer = polled.signer
    request = machine.request(b"")
    stranger = Machine(seed=b"s").request(b"")

    def renewed(of):
        with office.store.engine.connect() as conn:
            return renew(conn, of, office.keys, central.now_ms)

    assert isinstance(renewed(request), Denied)
    central.register(polled)
    certificate = x509.load_der_x509_certificate(renewed(request).certificate)
    assert certificate.public_key() == machine.tls.public_key()
    assert isinstance(renewed(stranger), Denied)
    revoke(office.store, "gw-1", {}, office.clock, WHO)
    assert isinstance(renewed(request), Denied)


def test_open_tokens_are_bounded(office, monkeypatch):
    """A script that makes tokens without end is told."""
    monkeypatch.setattr("central.enrol_decisions.MAX_OPEN_TOKENS", 2)
    office.token()
    office.token()
    with pytest.raises(RegistryError, match="2 tokens are open"):
        office.token()
    with office.store.writer.begin() as conn:
        conn.execute(update(enrol_token).values(used_ms=1))
    office.token()
    with pytest.raises(RegistryError, match="gateway id"):
        office.token("GW 1")
    count = select(func.count()).select_from(enrol_token)
    assert office.central.ask(lambda conn: conn.scalar(count)) == 3
