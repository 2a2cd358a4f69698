"""Orders of central into leaves: when a gas changes, what closes, what is said; pure."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.bus.poller import PolledScan
from edge_agent.config.model import AgentConfig
from edge_agent.journal.draft import Draft
from edge_agent.journal.memory import OrderState
from edge_agent.recording.order_recording import MAX_HELD, change_gas, record_due, record_order
from edge_agent.recording.recording import record_scan
from protocols.evidence.leaf import Kind, Leaf
from protocols.evidence.note import Signer
from protocols.evidence.order import GAS, Order, sign_order
from protocols.metering.gas import Gas
from protocols.metering.gas_data import GasData, GasSource, gas_of_inputs
from protocols.metering.instant import ClockState
from protocols.metering.quality import Flag, Quality
from protocols.metering.sgerg88 import SgergGas
from tests.edge_agent.gateway import GATEWAY, UTC_MS, config_of, table
from tests.edge_agent.recording.test_recording import SALTS, Book, codes, events, line_sums, remade

ORDERS = Signer.from_private_bytes("central-orders", b"o" * 32)
NEW = SgergGas(39.73, 0.605, 0.005, 0.0)
OTHER = SgergGas(38.50, 0.59, 0.01, 0.0)
FAULTY = SgergGas(20.0, 0.581, 0.006, 0.0)


def gas(figures: SgergGas = NEW, at_ms: int = 13_000, name: str = "grid") -> GasData:
    """Gas data that hold from so long after the test's first instant on."""
    return gas_of_inputs(name, figures, GasSource.CENTRAL, UTC_MS + at_ms, "Li Wei")


def order(number: int, data: GasData, **changes: Any) -> Order:
    return Order(GATEWAY, number, GAS, data.to_body())._replace(**changes)


class Ordered(Book):
    """A book that takes orders, and looks before each scan whether one is due."""

    def __init__(self, config: AgentConfig) -> None:
        super().__init__(config)
        self.start()

    def obey(self, *orders: Order) -> list[Leaf]:
        draft = Draft(self.memory, SALTS)
        for each in orders:
            record_order(draft, each, sign_order(each, ORDERS), self.config, self.now)
        return self.take(draft)

    def tick(self, grace_ms: int = 0) -> list[Leaf]:
        """A turn without scans."""
        draft = Draft(self.memory, SALTS)
        record_due(draft, self.config, self.now, grace_ms)
        return self.take(draft)

    def rounds(self, count: int) -> list[Leaf]:
        return self.scanned(*self.polls.rounds(count))

    def scanned(self, *scans: PolledScan) -> list[Leaf]:
        draft = Draft(self.memory, SALTS)
        for scan in scans:
            record_due(draft, self.config, scan.instant)
            record_scan(draft, scan, self.hashes)
            change_gas(draft, scan)
        return self.take(draft)

    @property
    def now(self) -> Any:
        return self.polls.clock.now()

    @property
    def gas(self) -> Gas:
        return self.memory.runs["R1"].config.gas

    def hs(self) -> list[int]:
        """Of each interval, by the configuration in its record."""
        by_hash = {
            leaf.reference: leaf.body[13][2]  # type: ignore[index]
            for leaf in self.leaves
            if leaf.kind is Kind.CONFIGURATION and leaf.subject
        }
        return [by_hash[record.config_hash] for record in self.intervals()]  # type: ignore[misc]

    def states(self) -> dict[int, OrderState]:
        return {number: held.state for number, held in self.memory.orders.items()}


@pytest.fixture
def book(tmp_path: Path) -> Ordered:
    return Ordered(config_of(tmp_path))


def assert_lawful(book: Ordered) -> None:
    """Every interval follows from its scans, and together they hold every count that passed."""
    book.stop()
    assert all(remade(book))
    seen = book.intervals()
    assert sum(line_sums(book)) == seen[-1].totals[0].end - seen[0].totals[0].start


def test_the_interval_closes_at_the_effective_time(book: Ordered) -> None:
    """With the meter's first scan at or after it, which is the old gas's still; the law holds."""
    assert codes(book.obey(order(1, gas(at_ms=15_000)))) == ["gas_order_received"]
    assert codes(book.rounds(7)) == []  # up to 14 s
    (config,) = [leaf for leaf in book.rounds(1) if leaf.kind is Kind.CONFIGURATION]
    assert config.subject == "R1"
    book.rounds(6)
    assert_lawful(book)
    assert book.hs() == [40_660_000] * 3 + [39_730_000] * 3
    ends = [record.end.mono_ms for record in book.intervals()]
    assert ends == [6_000, 12_000, 16_000, 18_000, 24_000, 28_000]


def test_what_changed_is_told_with_old_new_and_who(book: Ordered) -> None:
    """One event a figure, beside the order's own."""
    book.obey(order(1, gas()))
    leaves = book.rounds(7)
    who = {leaf.body[3] for leaf in leaves if leaf.kind is Kind.EVENT}
    assert who == {"central: Li Wei, order 1"}
    assert events(leaves) == [
        ("gas_order_in_force", "", None, 1, "gas grid"),
        ("configuration_changed", "R1", 581_000_000, 605_000_000, "gas.d_e9"),
        ("configuration_changed", "R1", 40_660_000, 39_730_000, "gas.hs_j_m3"),
        ("configuration_changed", "R1", 6_000_000, 5_000_000, "gas.x_co2_e9"),
    ]
    assert book.urgent


def test_the_received_event_names_gas_time_and_note(book: Ordered) -> None:
    """So that anybody can hold it against what central signed."""
    ((code, subject, old, new, detail),) = events(book.obey(order(1, gas())))
    assert (code, subject, old, new) == ("gas_order_received", "", None, 1)
    assert detail.startswith("gas grid from 2026-05-28T20:26:55Z, note sha256 ")


def test_an_order_for_a_boundary_cuts_nothing_in_two(book: Ordered) -> None:
    """At the begin of an interval, and so of a gas day, no record is there that would not be."""
    book.obey(order(1, gas(at_ms=12_000)))
    book.rounds(12)
    assert [record.end.mono_ms for record in book.intervals()] == [6_000, 12_000, 18_000, 24_000]
    assert book.hs() == [40_660_000] * 2 + [39_730_000] * 2
    assert not any(record.flags & Flag.PARTIAL for record in book.intervals())
    assert_lawful(book)


def test_without_scans_the_clock_brings_an_order_into_force(book: Ordered) -> None:
    """A silent bus does not hold it up; the run changes with its meter's next good scan."""
    book.obey(order(1, gas()))
    book.polls.clock.mono_ms = 14_999
    assert book.tick(grace_ms=2_000) == []
    book.polls.clock.mono_ms = 15_000
    assert codes(book.tick(grace_ms=2_000)) == ["gas_order_in_force"]
    assert codes(book.scanned(book.polls.scan("p-1", p1_f32=3.0))) == []
    assert "configuration_changed" not in codes(
        book.scanned(book.polls.scan("meter-1", Quality.BAD_NO_ANSWER))
    )
    assert book.gas.hs_j_m3 == 40_660_000
    assert codes(book.rounds(1))[-1] == "configuration_changed"
    assert book.gas.hs_j_m3 == 39_730_000


def test_a_scan_of_before_that_comes_late_changes_nothing(book: Ordered) -> None:
    """Another bus was faster: what passed before the time stays the old gas's."""
    book.obey(order(1, gas(at_ms=9_000)))
    book.rounds(4)
    book.polls.clock.mono_ms = 8_500
    late = book.polls.scan("meter-1", vm=1042, vb=1042, resolution_vm=-3, resolution_vb=-3)
    book.polls.clock.mono_ms = 9_000
    assert codes(book.scanned(book.polls.scan("p-1", p1_f32=3.0))) == ["gas_order_in_force"]
    assert "configuration_changed" not in codes(book.scanned(late))
    assert "configuration_changed" in codes(book.rounds(1))
    assert_lawful(book)


def test_a_start_changes_at_once_what_was_to_change(book: Ordered) -> None:
    """The runs were closed by the stop; the first scan after it is the new gas's."""
    book.obey(order(1, gas()))
    book.polls.clock.mono_ms = 20_000
    book.tick()
    assert book.memory.changing == {"R1"}
    book.stop()
    assert "configuration_changed" in codes(book.start())
    assert book.memory.changing == frozenset()
    assert book.gas.hs_j_m3 == 39_730_000


def test_an_order_that_arrives_late_holds_from_its_arrival(book: Ordered) -> None:
    """It says so, and what was recorded before keeps its gas."""
    book.rounds(8)
    leaves = book.obey(order(1, gas(at_ms=3_000)))
    assert codes(leaves)[:3] == ["gas_order_received", "gas_order_late", "gas_order_in_force"]
    assert (
        events(leaves)[1][4] == "13 s after its effective time; it holds from now on, not from then"
    )
    book.rounds(4)
    assert_lawful(book)
    assert book.hs() == [40_660_000] * 3 + [39_730_000]


def test_a_gateway_that_was_off_at_the_time_says_so(book: Ordered) -> None:
    """The order waited in the journal; it holds from the first moment after."""
    book.obey(order(1, gas()))
    book.stop()
    book.polls.clock.mono_ms = 60_000
    book.start()
    assert codes(book.tick())[:2] == ["gas_order_late", "gas_order_in_force"]


@pytest.mark.parametrize("state", [ClockState.UNSYNCHRONISED, ClockState.UNKNOWN])
def test_an_unsynchronised_clock_waits_and_says_so_once(book: Ordered, state: ClockState) -> None:
    """Nothing comes into force by a clock that nobody steers; later it is told as late."""
    book.polls.clock.state = state
    if state is ClockState.UNKNOWN:
        book.polls.clock.offset_ms = None
    book.obey(order(1, gas()))
    told = [*codes(book.rounds(6)), *codes(book.rounds(6)), *codes(book.tick())]
    assert [code for code in told if code.startswith("gas")] == (
        ["gas_order_waits"] if state is ClockState.UNSYNCHRONISED else []
    )
    assert codes(book.leaves).count("gas_order_waits") == 1
    assert book.gas.hs_j_m3 == 40_660_000
    book.polls.clock.state, book.polls.clock.offset_ms = ClockState.SYNCHRONISED, UTC_MS
    assert codes(book.tick())[:2] == ["gas_order_late", "gas_order_in_force"]
    assert_lawful(book)


def test_an_unsynchronised_clock_before_the_time_says_nothing(book: Ordered) -> None:
    """It may be synchronised long before."""
    book.polls.clock.state = ClockState.UNSYNCHRONISED
    book.obey(order(1, gas()))
    assert codes(book.rounds(3)) == []


def test_an_order_is_obeyed_once(book: Ordered) -> None:
    """The same number again, or a lower one, leaves no trace."""
    assert book.obey(order(5, gas())) != []
    memory = book.memory
    for again in (order(5, gas()), order(5, gas(OTHER)), order(4, gas(OTHER))):
        assert book.obey(again) == []
    assert book.memory == memory


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (order(1, gas(name="lpg")), "no run uses a gas 'lpg'"),
        (order(1, gas(FAULTY)), "hs_j_m3"),
        (order(1, replace(gas(), source="file")), "an order is central's"),
        (order(1, gas(), kind="reboot"), "kind 'reboot' is not known"),
        (order(1, gas(), item=("grid",)), "1 fields where the contract has 9"),
    ],
)
def test_what_cannot_be_used_is_refused_and_its_number_is_gone(
    book: Ordered, bad: Order, told: str
) -> None:
    """With an event that names it; the old gas goes on, and the same order is not tried again."""
    leaves = book.obey(bad)
    assert codes(leaves) == ["gas_order_received", "gas_order_refused"]
    assert told in events(leaves)[1][4]
    assert (book.memory.orders, book.memory.order_number) == ({}, 1)
    assert book.obey(order(1, gas())) == []
    book.rounds(9)
    assert set(book.hs()) == {40_660_000}


def test_a_gas_that_one_run_cannot_use_no_run_takes(tmp_path: Path) -> None:
    """A gas has one value: either all runs that use it change, or none."""
    changed = table()
    changed["gas"][0] = {"name": "grid", "composition": {"methane": Decimal(1)}}
    changed["run"][0]["conversion"] = {"method": "GERG-2008", "gas": "grid"}
    book = Ordered(config_of(tmp_path, changed))
    leaves = book.obey(order(1, gas()))
    assert events(leaves)[1][:4] == ("gas_order_refused", "R1", None, 1)
    assert "needs a composition" in events(leaves)[1][4]
    assert book.gas.composition[0] == 10**9


def test_an_order_survives_a_restart_and_applies_once(book: Ordered) -> None:
    """Before its time and after it; a start with the same file changes nothing."""
    book.obey(order(1, gas()))
    book.stop()
    assert "gas_order_in_force" not in codes(book.start())
    book.rounds(8)
    assert book.states() == {1: OrderState.IN_FORCE}
    book.stop()
    assert codes(book.start()) == ["agent_started"]
    assert book.tick() == []
    book.rounds(4)
    assert codes(book.leaves).count("gas_order_in_force") == 1
    assert_lawful(book)


def test_an_order_holds_until_the_file_changes_its_gas(book: Ordered, tmp_path: Path) -> None:
    """Another parameter of the file leaves it; another gas of that name ends it, and is told."""
    book.obey(order(1, gas()))
    book.rounds(8)
    changed = table()
    changed["run"][0]["qmax_m3_h"] = Decimal(500)
    assert codes(book.start(config_of(tmp_path, changed))) == [
        "agent_started",
        "configuration_changed",
    ]
    assert book.gas.hs_j_m3 == 39_730_000
    changed["gas"][0]["x_co2"] = Decimal("0.007")
    told = events(book.start(config_of(tmp_path, changed)))
    assert ("gas_order_ended", "", None, 1, "gas grid was changed in the file") in told
    assert (book.gas.hs_j_m3, book.gas.x_co2_e9) == (40_660_000, 7_000_000)
    assert book.memory.orders == {}
    book.rounds(4)
    assert_lawful(book)


def test_a_run_that_is_added_later_gets_the_gas_of_the_order(book: Ordered, tmp_path: Path) -> None:
    """The order is about the gas, not about the runs of that day."""
    book.obey(order(1, gas()))
    book.rounds(8)
    changed = table()
    changed["run"][0]["id"] = "R2"
    book.start(config_of(tmp_path, changed))
    assert book.memory.runs["R2"].config.gas.hs_j_m3 == 39_730_000


def test_a_run_that_the_file_made_unfit_goes_by_the_file(book: Ordered, tmp_path: Path) -> None:
    """With an event; the order still holds for whoever can use it."""
    book.obey(order(1, gas()))
    book.rounds(8)
    changed = table()
    changed["run"][0]["conversion"] = {
        "method": "SGERG-88", "gas": "grid", "energy_combustion": "25",
    }  # fmt: skip
    changed["gas"][0]["heating_value"] = {"superior_mj_m3": Decimal("37.8"), "reference": "25/20"}
    config = config_of(tmp_path, changed)
    kept = replace(config, gas_hashes=book.config.gas_hashes)  # as if only the run had changed
    told = events(book.start(kept))
    assert any(event[:4] == ("gas_order_refused", "R1", None, 1) for event in told)
    assert book.gas.hs_j_m3 == 40_660_000
    assert book.states() == {1: OrderState.IN_FORCE}


def test_a_gas_that_no_longer_suits_at_its_time_is_refused(book: Ordered, tmp_path: Path) -> None:
    """The file changed the run while the order waited; the gas that is in force goes on."""
    book.obey(order(1, gas()))
    changed = table()
    changed["gas"][0] = {"name": "grid", "composition": {"methane": Decimal(1)}}
    changed["run"][0]["conversion"] = {"method": "GERG-2008", "gas": "grid"}
    book.start(config_of(tmp_path, changed))
    assert book.states() == {1: OrderState.WAITING}
    assert codes(book.rounds(8)) == ["gas_order_refused"]
    assert (book.memory.orders, book.memory.changing) == ({}, frozenset())
    assert book.gas.composition[0] == 10**9
    assert_lawful(book)


def test_the_later_effective_time_wins(book: Ordered) -> None:
    """Orders come into force by their times, not by their numbers; one a gas is in force."""
    book.obey(order(1, gas(OTHER, at_ms=17_000)), order(2, gas(NEW, at_ms=9_000)))
    book.rounds(5)
    assert book.states() == {1: OrderState.WAITING, 2: OrderState.IN_FORCE}
    leaves = book.rounds(5)
    assert ("gas_order_ended", "", 1, 2) in [event[:4] for event in events(leaves)]
    assert book.states() == {1: OrderState.IN_FORCE}
    assert_lawful(book)
    assert list(dict.fromkeys(book.hs())) == [40_660_000, 39_730_000, 38_500_000]


def test_two_that_became_due_together_follow_each_other(book: Ordered) -> None:
    """The last one holds, and nothing is lost between them."""
    book.rounds(2)
    book.obey(order(1, gas(NEW)), order(2, gas(OTHER, at_ms=13_500)))
    book.polls.clock.mono_ms = 30_000
    book.tick()
    book.rounds(4)
    assert_lawful(book)
    assert book.gas.hs_j_m3 == 38_500_000


def test_so_many_orders_wait_and_no_more(book: Ordered) -> None:
    """Central cannot fill the journal."""
    book.obey(*(order(number, gas(at_ms=10**9)) for number in range(1, MAX_HELD + 1)))
    leaves = book.obey(order(MAX_HELD + 1, gas(at_ms=10**9)))
    assert "are held already" in events(leaves)[1][4]
    assert len(book.memory.orders) == MAX_HELD


def test_an_order_with_the_same_figures_closes_nothing(book: Ordered) -> None:
    """It comes into force, and there is no change to tell."""
    same = SgergGas(40.66, 0.581, 0.006, 0.0)
    book.obey(order(1, gas(same)))
    assert codes(book.rounds(8)) == ["gas_order_in_force"]
    assert len({record.config_hash for record in book.intervals()}) == 1


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.integers(-5_000, 40_000), st.sampled_from([NEW, OTHER]), st.integers(1, 5)),
        max_size=4,
    ),
    st.sets(st.integers(0, 4)),
)
def test_whenever_orders_come_the_law_holds(
    tmp_path_factory: pytest.TempPathFactory,
    orders: list[tuple[int, SgergGas, int]],
    restarts: set[int],
) -> None:
    """Any orders, late or early, with restarts between: every interval is proven, no count lost."""
    directory = tmp_path_factory.getbasetemp() / "ordered"
    directory.mkdir(exist_ok=True)
    book = Ordered(config_of(directory))
    for number, (at_ms, figures, rounds) in enumerate(orders, 1):
        book.obey(order(number, gas(figures, at_ms)))
        book.rounds(rounds)
        if number in restarts:
            book.start()
            book.tick()
    book.rounds(4)
    assert_lawful(book)
    in_force = [leaf.body[2] for leaf in book.leaves if leaf.body[0] == "gas_order_in_force"]
    assert len(in_force) == len(set(in_force))
