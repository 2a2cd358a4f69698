"""What becomes of an offer: real files, real signatures, one turn after the other."""

from __future__ import annotations

import contextlib
import hashlib
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edge_agent.config.file import read_config
from edge_agent.config_store import offers
from edge_agent.config_store.apply import Refused, apply
from edge_agent.config_store.files import ConfigFiles
from edge_agent.config_store.history import History, Waiting
from edge_agent.config_store.start import begin
from edge_agent.remote.offer_work import RETRY_MS, OfferWork, Requests
from protocols.evidence.cbor import Body
from protocols.evidence.note import Signer
from protocols.evidence.offer import (
    CONFIGURATION,
    MAX_BUNDLE_BYTES,
    READ_NOW,
    SUPPORT_BUNDLE,
    Offer,
    sign_offer,
)
from tests.edge_agent.gateway import TOML, UTC_MS, write_ca

OPERATOR = Signer.from_private_bytes("operator", b"p" * 32)
OTHER = Signer.from_private_bytes("operator", b"q" * 32)
HELD = TOML + f'[remote]\noperator_key = "{OPERATOR.vkey}"\n'
HARMLESS = HELD.replace("batch_seconds = 300", "batch_seconds = 60")
OTHER_METER = HELD.replace('serial = "M1"', 'serial = "M2"')
RELEVANT = HELD.replace("qmax_m3_h = 1000.0", "qmax_m3_h = 900.0")


@dataclass
class Site:
    """A gateway's files, and the work on its offers."""

    files: ConfigFiles
    utc_ms: int | None = UTC_MS
    mono_ms: int = 0
    bundle: bytes = b"bundle"
    failing: str = ""
    sent: list[tuple[int, bytes]] = field(default_factory=list)
    key: Signer = OPERATOR

    def work(self) -> OfferWork:
        def send(number: int, data: bytes) -> str:
            self.sent.append((number, data))
            return self.failing

        requests = Requests(
            lambda offer: f"values of {offer.item[0]}",
            lambda _: Refused("no archive"),
            lambda: self.bundle,
            send,
        )
        config = read_config(self.files.path.read_bytes(), self.files.path)
        clocks = (lambda: self.utc_ms, lambda: self.mono_ms)
        return OfferWork(self.files, config, self.key.verifier, requests, clocks)

    @property
    def history(self) -> History:
        with self.files.locked():
            return self.files.history()

    def take(
        self, kind: str, item: Body, number: int = 7, until_ms: int = UTC_MS + 1000,
        key: Signer = OPERATOR,
    ) -> None:  # fmt: skip
        """As the uplink did, which has verified it."""
        data = sign_offer(Offer("gw-1", number, kind, until_ms, "Li Wei", "why", item), key)
        assert offers.take(self.files, Waiting(number, kind, until_ms), data)

    def configure(self, new: str, number: int = 7, base: bytes | None = None) -> None:
        held = self.files.path.read_bytes()
        self.take(CONFIGURATION, (base or hashlib.sha256(held).digest(), new.encode()), number)

    def turn(self, work: OfferWork | None = None) -> tuple[str, str]:
        """The newest event, and its detail."""
        (work or self.work()).look(self.history)
        told = self.history.untold[-1]
        return told.code, told.detail

    def text(self) -> str:
        return self.files.path.read_text()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    write_ca(tmp_path)
    path = tmp_path / "gateway.toml"
    path.write_text(HELD)
    begin(path, {})
    return Site(ConfigFiles(path, tmp_path / "state"))


def test_a_harmless_configuration_comes_into_force_on_trial(site: Site) -> None:
    """Named by the operator, with the offer as its source."""
    site.configure(HARMLESS)
    assert site.turn()[0] == "configuration_applied"
    assert site.text() == HARMLESS
    history = site.history
    assert history.trial is not None
    assert history.trial.offer == 7
    version = history.in_force
    assert version is not None
    assert (version.who, version.source) == ("Li Wei (operator)", "offer 7")
    assert history.waiting == ()
    with site.files.locked():
        site.files.store(site.files.history().kept())
    assert [(told.code, told.new) for told in site.history.untold][-1] == ("offer_done", 7)


def test_a_relevant_one_waits_for_consent(site: Site) -> None:
    """Told once, whatever time passes; then both are named."""
    site.configure(RELEVANT)
    assert site.turn() == ("offer_waits", "for consent on site to run[R1].qmax_m3_h")
    before = site.history
    site.turn()
    assert site.history == before
    assert site.text() == HELD
    assert offers.accept(site.files, 7, "Wang", "as agreed") == ""
    assert site.turn()[0] == "configuration_applied"
    version = site.history.in_force
    assert version is not None
    assert version.who == "Li Wei (operator); consent: Wang"


def test_another_meter_waits_for_consent_and_then_for_nothing(site: Site) -> None:
    """No trial, which might take it back; the operator knows that it is in force."""
    site.configure(OTHER_METER)
    assert site.turn() == ("offer_waits", "for consent on site to device[meter-1].serial")
    assert offers.accept(site.files, 7, "Wang", "it is in") == ""
    assert site.turn() == ("offer_done", "in force")
    assert site.text() == OTHER_METER
    assert site.history.trial is None
    assert site.history.waiting == ()


def test_an_offer_made_before_a_meter_was_changed_is_refused(site: Site) -> None:
    """It was made for the file with the old one, which it would bring back."""
    site.configure(HARMLESS)
    apply(site.files.path, OTHER_METER.encode(), "Li Wei", "meter changed", "act")
    assert "in force is" in site.turn()[1]
    # and one that was made from an old file, for the new one
    site.configure(HARMLESS, 8)
    assert "meter-1: M2 -> M1" in site.turn()[1]
    assert site.text() == OTHER_METER


def test_consent_may_be_waived_on_site(site: Site) -> None:
    """By the configuration in force, not by the one that is offered."""
    site.files.path.write_text(HELD + "consent = false\n")
    begin(site.files.path, {})
    site.configure(RELEVANT + "consent = false\n")
    assert site.turn()[0] == "configuration_applied"


def test_consent_after_the_time_is_too_late(site: Site) -> None:
    """And an offer that nobody agreed to ends with its time."""
    site.configure(RELEVANT)
    site.turn()
    offers.accept(site.files, 7, "Wang", "as agreed")
    site.utc_ms = UTC_MS + 2000
    assert site.turn() == ("offer_refused", "its time is over")
    site.configure(RELEVANT, 8)
    site.turn()
    site.utc_ms = UTC_MS + 12_000
    assert site.turn()[0] == "offer_refused"
    assert site.text() == HELD


@pytest.mark.parametrize(
    ("new", "told"),
    [
        (HELD, "nothing changes"),
        (HELD.replace('id = "gw-1"', 'id = "gw-2"'), "gateway.id"),
        (HELD.replace('state_dir = "state"', 'state_dir = "/root"'), "gateway.state_dir"),
        (HELD.replace('ca = "ca.pem"', 'ca = "./ca.pem"'), "central.ca"),
        (OTHER_METER.replace("= 300", "= 60"), "meter-1: M1 -> M2"),
        (HELD + '[control]\ndir = "/tmp/x"\n', "control.dir"),
        (HELD + "[control]\nwrites = true\n", "control.writes"),
        (HELD.replace('port = "line-1"', 'port = "/etc/passwd"'), "bus[line-1].port"),
        (HELD.replace('profile = "keller-33x"', 'profile = "/etc/passwd"'), "profile"),
        (
            HELD.replace('profile = "keller-33x"', 'profile = "/root/a.toml"'),
            "site may: device[p-1]",
        ),
        (HELD.replace('ca = "ca.pem"', 'ca = "/root/ca.pem"'), "site may: central.ca"),
        (HELD.replace("batch_seconds = 300", "batch_seconds = -1"), "batch_seconds"),
        ("[" * 30_000, "no TOML"),
        ("a." * 15_000 + "a = 1", "dots"),
        ("\n".join("a." * 499 + f"b{n} = 1" for n in range(60)), "faulty"),
        ("a = " + "[" * 10_000 + "]" * 10_000, "no TOML"),
        (HELD + "".join(f"[a{n}]\n" for n in range(6_000)), "faulty"),
        ("x = " + "9" * 50_000, "no TOML"),
        ("\x00\x01", "no TOML"),
    ],
    ids=range(19),
)
def test_what_is_refused_changes_nothing(site: Site, new: str, told: str) -> None:
    """Paths, identity, faults, bombs; within two seconds, and with the reason in the log."""
    site.configure(new)
    began_s = time.process_time()
    code, detail = site.turn()
    assert time.process_time() - began_s < 2.0
    assert code == "offer_refused"
    assert told in detail
    assert site.text() == HELD
    assert site.history.waiting == ()


def test_one_made_for_another_file_is_refused(site: Site) -> None:
    """Somebody changed it meanwhile; both hashes are told."""
    site.configure(HARMLESS, base=b"b" * 32)
    code, detail = site.turn()
    assert code == "offer_refused"
    assert (b"b" * 32).hex() in detail
    assert hashlib.sha256(HELD.encode()).hexdigest() in detail


def test_an_operator_whose_key_was_changed_is_heard_no_more(site: Site) -> None:
    """Also with what he had offered before."""
    site.configure(RELEVANT)
    site.turn()
    site.key = OTHER
    offers.accept(site.files, 7, "Wang", "as agreed")
    assert site.turn()[0] == "offer_refused"
    assert site.text() == HELD


def test_a_damaged_offer_is_refused(site: Site) -> None:
    """It is verified again before it is carried out."""
    site.configure(HARMLESS)
    path = site.files.directory / "offer-7"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert site.turn()[0] == "offer_refused"
    site.configure(HARMLESS, 8)
    (site.files.directory / "offer-8").unlink()
    assert site.turn()[0] == "offer_refused"


def test_a_kill_between_applying_and_the_word_of_it(site: Site) -> None:
    """It is not applied twice, and not refused for its base."""
    site.configure(HARMLESS)
    apply(site.files.path, HARMLESS.encode(), "Li Wei", "why", "offer 7", offer=7)
    before = [told.code for told in site.history.untold]
    site.turn()
    assert site.history.waiting == ()
    assert [told.code for told in site.history.untold] == before


def test_nothing_is_begun_during_a_trial(site: Site) -> None:
    """It waits for its end."""
    apply(site.files.path, HARMLESS.encode(), "Li Wei", "why", "act")
    site.configure(HELD)
    site.turn()
    assert [one.number for one in site.history.waiting] == [7]


def test_requests_say_what_came_of_them(site: Site) -> None:
    """Or why nothing did."""
    site.take(READ_NOW, ("meter-1",))
    assert site.turn() == ("offer_done", "read_now: values of meter-1")
    site.take("read_range", ("R1", 0, 1), 8)
    assert site.turn() == ("offer_refused", "no archive")


def test_a_bundle_is_sent_until_it_is_there(site: Site) -> None:
    """Not again at once; its hash is in the log."""
    site.take(SUPPORT_BUNDLE, ())
    site.failing = "no link"
    work = site.work()
    site.turn(work)
    site.turn(work)
    assert len(site.sent) == 1
    site.mono_ms += RETRY_MS
    site.failing = ""
    code, detail = site.turn(work)
    assert code == "offer_done"
    assert hashlib.sha256(b"bundle").hexdigest() in detail
    assert len(site.sent) == 2


def test_a_link_that_is_down_for_days_is_not_tried_each_minute(site: Site) -> None:
    """Each try makes the bundle anew."""
    site.take(SUPPORT_BUNDLE, ())
    site.failing = "no link"
    work = site.work()
    for _ in range(24 * 60):
        site.turn(work)
        site.mono_ms += RETRY_MS
    assert 24 <= len(site.sent) <= 32


def test_a_bundle_that_is_too_long_is_refused(site: Site) -> None:
    """And nothing is sent."""
    site.bundle = b"x" * (MAX_BUNDLE_BYTES + 1)
    site.take(SUPPORT_BUNDLE, ())
    assert site.turn()[0] == "offer_refused"
    assert site.sent == []


def test_a_full_disk_is_no_refusal(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The offer stays, and is carried out later."""
    site.configure(HARMLESS)

    def full(_files: ConfigFiles, _step: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ConfigFiles, "before", full)
    with pytest.raises(OSError, match="No space"):
        site.work().look(site.history)
    monkeypatch.undo()
    assert site.text() == HELD
    assert site.turn()[0] == "configuration_applied"


def test_an_offer_waits_for_a_clock(site: Site) -> None:
    """Taken before a power cut, looked at on a box without a battery: it may be long over."""
    site.configure(HARMLESS)
    site.utc_ms = None
    assert site.turn()[0] == "offer_taken"
    assert (site.text(), len(site.history.waiting)) == (HELD, 1)
    site.utc_ms = UTC_MS + 2000
    assert site.turn() == ("offer_refused", "its time is over")
    assert site.text() == HELD


def test_a_file_that_cannot_be_written_is_tried_once_a_minute(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each try writes the version and the index: not with every turn, for days, onto a card."""
    site.configure(HARMLESS)
    work, tries = site.work(), []

    def closed(_files: ConfigFiles, _data: bytes) -> None:
        tries.append(site.mono_ms)
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(ConfigFiles, "put_config", closed)
    for site.mono_ms in range(0, 120_000, 500):
        with contextlib.suppress(PermissionError):
            work.look(site.history)
    assert tries == [0, 60_000]
    monkeypatch.undo()
    site.mono_ms = 120_000
    assert site.turn(work)[0] == "configuration_applied"
