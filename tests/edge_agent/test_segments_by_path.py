"""By whatever way something about a meter changes: where its segment begins, and what the log says.

Each way puts another gateway.toml in force on real files; the start that follows makes the leaves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from edge_agent.config_store import offers
from edge_agent.config_store.apply import (
    COMMISSIONING,
    Applied,
    Refused,
    apply,
    roll_back,
)
from edge_agent.config_store.files import ConfigFiles
from edge_agent.config_store.history import Waiting
from edge_agent.config_store.start import Started, begin
from edge_agent.remote.offer_work import OfferWork, Requests
from protocols.evidence.leaf import Kind, Leaf
from protocols.evidence.note import Signer
from protocols.evidence.offer import CONFIGURATION, Offer, sign_offer
from tests.edge_agent.gateway import TOML, UTC_MS, Polls, write_ca
from tests.edge_agent.recording.test_recording import Book, events, remade

OPERATOR = Signer.from_private_bytes("operator", b"p" * 32)
HELD = TOML + f'[remote]\noperator_key = "{OPERATOR.vkey}"\n'
SERIAL = ('serial = "M1"', 'serial = "M2"')
CHANGED = """
[run.meter_change]
old_serial = "M1"
old_end_index_m3 = 1.055
new_start_index_m3 = 1.050
at = "2026-11-26 10:15"
by = "Zhao"
reason = "verification"
[[regulator]]"""
WHO = ("Li Wei", "test")


@dataclass
class Gateway:
    """Its file, and the leaves of its life so far."""

    path: Path
    book: Book

    def start(self) -> list[Leaf]:
        """What the next start records."""
        found = begin(self.path, {})
        assert isinstance(found, Started)
        polls = self.book.polls
        leaves = self.book.start(found.config)
        self.book.polls = Polls(found.config, polls.clock)
        self.book.polls.index = polls.index
        return leaves

    def rounds(self, count: int, exponent: int = -3) -> None:
        """The meter says itself what its counts are."""
        polls = self.book.polls
        for _ in range(count):
            *others, _meter = polls.round()
            index = {"vm": polls.index, "vb": polls.index, "resolution_vb": -3}
            self.book.scans(*others, polls.scan("meter-1", **index, resolution_vm=exponent))

    def segments(self) -> list[tuple[int, int, int, int]]:
        return segments_of(self.book)


def segments_of(book: Book) -> list[tuple[int, int, int, int]]:
    """Of `vm`: (segment, first index, last index, booked) in the order of the records."""
    found: dict[int, tuple[int, int, int, int]] = {}
    for record in book.intervals():
        for total in record.totals:
            if total.point == "vm":
                old = found.get(total.segment, (total.segment, total.start, 0, 0))
                found[total.segment] = (*old[:2], total.end, old[3] + total.booked)
    return list(found.values())


@pytest.fixture
def gateway(tmp_path: Path) -> Gateway:
    """It has metered four rounds: the index went from 1010 to 1040."""
    write_ca(tmp_path)
    path = tmp_path / "gateway.toml"
    path.write_text(HELD)
    found = begin(path, {})
    assert isinstance(found, Started)
    book = Book(found.config)
    book.start()
    book.rounds(4)
    return Gateway(path, book)


def by_command(path: Path, new: str) -> None:
    assert isinstance(apply(path, new.encode(), *WHO), Applied)


def by_commissioning(path: Path, new: str) -> None:
    assert isinstance(apply(path, new.encode(), *WHO, COMMISSIONING), Applied)


def by_hand(path: Path, new: str) -> None:
    path.write_text(new)


def by_offer(path: Path, new: str) -> None:
    """With consent on site."""
    files = ConfigFiles(path, path.parent / "state")
    base = hashlib.sha256(path.read_bytes()).digest()
    item = (base, new.encode())
    offer = Offer("gw-1", 7, CONFIGURATION, UTC_MS + 1000, "Wang", "why", item)
    assert offers.take(files, Waiting(7, CONFIGURATION, UTC_MS + 1000), sign_offer(offer, OPERATOR))
    found = begin(path, {})
    assert isinstance(found, Started)
    no = Requests(lambda _: "", lambda _: "", lambda: b"", lambda _n, _d: "")
    work = OfferWork(files, found.config, OPERATOR.verifier, no, (lambda: UTC_MS, lambda: 0))
    work.look(files.history())
    assert offers.accept(files, 7, *WHO) == ""
    work.look(files.history())
    assert path.read_text() == new


def by_command_then_torn(path: Path, new: str) -> None:
    """A power cut leaves zeroes: the version that was in force runs."""
    by_command(path, new)
    begin(path, {})  # where it has a trial it is over
    with ConfigFiles(path, path.parent / "state").locked():
        files = ConfigFiles(path, path.parent / "state")
        files.store(files.history().kept())
    path.write_bytes(bytes(500))


WAYS: dict[str, Callable[[Path, str], None]] = {
    "command": by_command,
    "commissioning": by_commissioning,
    "hand": by_hand,
    "offer": by_offer,
    "torn": by_command_then_torn,
}
# What changes: (old text, new text), whether the line total begins a segment, fields that are told.
CASES: dict[str, tuple[tuple[str, str], bool, set[tuple[str, str]]]] = {
    "serial": (SERIAL, True, {("", "device[meter-1].serial"), ("R1", "meter_serial")}),
    "resolution": (
        ('line_resolution_m3 = "0.001"', 'line_resolution_m3 = "0.01"'),
        True,
        {("R1", "line_exponent")},
    ),
    "digits": (("index_digits = 9", "index_digits = 8"), True, {("R1", "totals.vm.modulus")}),
    "unit": (("unit = 1\nprofile = \"sick", "unit = 9\nprofile = \"sick"), False, set()),
    "bus": (
        ('bus = "line-1"\nunit = 1', 'bus = "lan"\nunit = 9'), False, {("", "device[meter-1].bus")}
    ),
    "where a bus leads": (("tcp_port = 1", "tcp_port = 2"), False, set()),
}  # fmt: skip
TOLD_BY_THE_STORE = {"unit": "device[meter-1].unit", "where a bus leads": "bus[lan].tcp_port"}
PAIRS = [(way, case) for way in WAYS for case in CASES if way == "command" or case == "serial"]


@pytest.mark.parametrize(("way", "case"), PAIRS, ids=["-".join(pair) for pair in PAIRS])
def test_a_segment_begins_where_it_must(gateway: Gateway, way: str, case: str) -> None:
    """At the new one's first index, from the scan after the change on; else it goes on unbroken."""
    change, begins, fields = CASES[case]
    assert change[0] in HELD
    WAYS[way](gateway.path, HELD.replace(*change, 1))
    leaves = gateway.start()
    told = {
        (leaf.subject, str(leaf.body[4]))
        for leaf in leaves
        if leaf.kind is Kind.EVENT and leaf.body[0] == "configuration_changed"
    }
    assert fields <= told
    if case in TOLD_BY_THE_STORE:
        untold = ConfigFiles(gateway.path, gateway.path.parent / "state").history().untold
        assert TOLD_BY_THE_STORE[case] in [one.detail for one in untold]
    gateway.rounds(3, -2 if case == "resolution" else -3)
    gateway.book.stop()
    expected = [(0, 1010, 1040, 30), (1, 1050, 1070, 20)] if begins else [(0, 1010, 1070, 60)]
    assert gateway.segments() == expected
    assert remade(gateway.book) == [True] * len(gateway.book.intervals())
    meters = [leaf.subject for leaf in gateway.book.leaves if leaf.kind is Kind.CONFIGURATION]
    assert meters.count("R1") == 1 + bool(fields and ("", "device[meter-1].bus") not in fields)


def test_a_resolution_that_the_meter_does_not_have_books_nothing(gateway: Gateway) -> None:
    """The meter's own word is another: told, and no count is a volume until they agree."""
    by_command(gateway.path, HELD.replace(*CASES["resolution"][0]))
    gateway.start()
    gateway.rounds(3, -3)
    assert gateway.segments() == [(0, 1010, 1040, 30)]
    assert "configuration_mismatch" in [one[0] for one in events(gateway.book.leaves)]
    assert isinstance(roll_back(gateway.path, *WHO), Applied)
    gateway.start()
    gateway.rounds(3, -3)
    gateway.book.stop()
    assert gateway.segments() == [(0, 1010, 1040, 30), (1, 1080, 1100, 20)]


def test_a_replacement_is_told_with_both_indexes(gateway: Gateway) -> None:
    """By a file that tells of it, whichever way it comes; by hand as well."""
    by_hand(gateway.path, HELD.replace(*SERIAL).replace("[[regulator]]", CHANGED.strip(), 1))
    (told,) = [one for one in events(gateway.start()) if one[0] == "meter_replaced"]
    assert told[1:4] == ("R1", "M1", "M2")
    assert told[4].startswith("end index 1055, last seen 1040, start index 1050")


def test_a_kill_before_the_log_has_it(gateway: Gateway) -> None:
    """The start after it finds what differs from what the journal remembers: told once."""
    by_command(gateway.path, HELD.replace(*SERIAL))
    for _ in range(2):  # it read the file, and was killed before its first tick
        assert isinstance(begin(gateway.path, {}), Started)
    leaves = gateway.start() + gateway.start()
    assert [one[0] for one in events(leaves)].count("meter_replaced") == 1
    gateway.rounds(2)
    gateway.book.stop()
    assert gateway.segments() == [(0, 1010, 1040, 30), (1, 1050, 1060, 10)]


def test_another_profile_begins_a_segment(gateway: Gateway, tmp_path: Path) -> None:
    """A total of the same name is another register: what lies between both is no volume."""
    library = Path(__file__).parents[2] / "protocols/registers/profiles"
    own = (library / "sick-flowsic500.toml").read_text().replace("sick-flowsic500", "own-500")
    (tmp_path / "own.toml").write_text(own)
    by_command(gateway.path, HELD.replace('profile = "sick-flowsic500"', 'profile = "own.toml"'))
    gateway.start()
    gateway.book.rounds(3)
    gateway.book.stop()
    assert gateway.segments() == [(0, 1010, 1040, 30), (1, 1050, 1070, 20)]
    assert remade(gateway.book) == [True] * len(gateway.book.intervals())


def test_there_and_back_by_hand_is_two_segments(gateway: Gateway) -> None:
    """Nobody can refuse a file that is there at the start; each meter's volume stays its own."""
    by_hand(gateway.path, HELD.replace(*SERIAL))
    gateway.start()
    gateway.book.rounds(2)
    assert isinstance(roll_back(gateway.path, *WHO), Refused)
    by_hand(gateway.path, HELD)
    assert "meter_replaced" in [one[0] for one in events(gateway.start())]
    gateway.book.rounds(2)
    gateway.book.stop()
    assert gateway.segments() == [(0, 1010, 1040, 30), (1, 1050, 1060, 10), (2, 1070, 1080, 10)]
