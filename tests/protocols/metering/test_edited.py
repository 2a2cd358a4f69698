"""Edited records: new ones that point to the original, and never change a neighbour."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.metering.body import BodyError
from protocols.metering.edited import (
    NO_EDIT,
    Amounts,
    Change,
    EditedRecord,
    EditKind,
    NotRecalculated,
    Original,
    changes_between,
    faults,
    recalculate,
)
from protocols.metering.flow import CurvePoint
from protocols.metering.gas import Gas
from protocols.metering.quality import Flag
from protocols.metering.run_config import RunConfig
from tests.protocols.metering.site import CONFIG, MINUTE, Site, config

BEFORE = Amounts(
    10_000_000, 0, 0, 40_000_000, 0, 4_000_000, 288_150, 990_000_000, 4_000_000_000, 10**9,
    36_000_000, 300_000, 0,
)  # fmt: skip
AFTER = BEFORE._replace(base_main_cm3=39_500_000, c_e9=3_950_000_000)
EDIT = EditedRecord(
    run="R1",
    original=Original("gw-1", 0, 7, b"\1" * 32),
    version=2,
    kind="entered",
    amounts=AFTER,
    changes=(
        Change("base_main_cm3", 40_000_000, 39_500_000),
        Change("c_e9", 4_000_000_000, 3_950_000_000),
    ),
    config_hash=b"\2" * 32,
    software=b"\3" * 32,
    rule="",
    reason="lab report 17",
    who="Li Wei",
    at_ms=1_790_000_000_000,
)
OTHER_GAS = Gas("other", (), hs_j_m3=38_000_000, d_e9=600_000_000, x_co2_e9=15_000_000)


def changed(**fields: Any) -> EditedRecord:
    return dataclasses.replace(EDIT, **fields)


def test_the_body_is_a_contract() -> None:
    """Body and hash of an edit are these bytes, today and in ten years."""
    body = (
        "R1", ("gw-1", 0, 7, b"\1" * 32), 2, "entered",
        (10_000_000, 0, 0, 39_500_000, 0, 4_000_000, 288_150, 990_000_000, 3_950_000_000, 10**9,
         36_000_000, 300_000, 0),
        (("base_main_cm3", 40_000_000, 39_500_000), ("c_e9", 4_000_000_000, 3_950_000_000)),
        b"\2" * 32, b"\3" * 32, "", "lab report 17", "Li Wei", 1_790_000_000_000,
    )  # fmt: skip
    assert EDIT.to_body() == body
    assert EDIT.hash(NO_EDIT).hex() == (
        "a537cc024fba62a12b640bfe1e7b7f2f321b298422c2a09e7e6605f747b11f8b"
    )
    assert EditedRecord.from_body(cbor2.loads(cbor2.dumps(body))) == EDIT


def test_the_chain_covers_the_edit_before() -> None:
    """The same edit after another one has another hash."""
    first = EDIT.hash(NO_EDIT)
    assert EDIT.hash(first) not in (first, EDIT.hash(EDIT.hash(first)))


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(EditedRecord)])
def test_every_field_is_hashed(field: str) -> None:
    """No field can be changed without its hash."""
    other: dict[str, Any] = {
        "run": "R2",
        "original": EDIT.original._replace(seq=8),
        "version": 3,
        "kind": "recalculated",
        "amounts": AFTER._replace(flags=1),
        "changes": (),
        "config_hash": b"\4" * 32,
        "software": b"\4" * 32,
        "rule": "mean",
        "reason": "none",
        "who": "Wang",
        "at_ms": 1_790_000_000_001,
    }
    assert changed(**{field: other[field]}).hash(NO_EDIT) != EDIT.hash(NO_EDIT)


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (changed(who=" "), "who is missing"),
        (changed(who="x" * 65), "who has 65 characters"),
        (changed(reason=""), "reason is missing"),
        (changed(reason="x" * 501), "reason has 501"),
        (changed(reason="a\nb"), "reason holds a control character"),
        (changed(version=1), "version is 1"),
        (changed(kind="guessed"), "none of recalculated, estimated, entered"),
        (changed(kind="estimated"), "an estimate names its rule"),
        (changed(rule="mean"), "nothing else has one"),
        (changed(rule="x" * 501, kind="estimated"), "rule has 501"),
        (changed(at_ms=0), "at_ms is 0"),
        (changed(changes=()), "do not lead from the version before"),
        (changed(changes=EDIT.changes[::-1]), "do not lead from"),
        (changed(amounts=BEFORE, changes=()), "nothing to book"),
        (changed(amounts=AFTER._replace(line_main_cm3=-1)), "line_main_cm3 is -1"),
        (changed(amounts=AFTER._replace(base_main_cm3=10**16 + 1)), "base_main_cm3 is 1000"),
        (changed(amounts=AFTER._replace(flags=1 << 40)), "flags is"),
    ],
)
def test_faults(edit: EditedRecord, told: str) -> None:
    """What an edit must not be is told with its field."""
    assert any(told in fault for fault in faults(edit, BEFORE)), faults(edit, BEFORE)


def test_every_fault_at_once() -> None:
    """Faults do not hide each other."""
    edit = changed(who="", reason="", kind="guessed")
    assert len(faults(edit, BEFORE)) == 3


def test_an_edit_of_another_version_is_refused() -> None:
    """Its changes lead from the figures before it, and from no other."""
    assert faults(EDIT, BEFORE) == []
    assert faults(EDIT, BEFORE._replace(base_main_cm3=1)) != []


@pytest.mark.parametrize("at", range(12))
@pytest.mark.parametrize("item", [None, -1, 2**63, 1.5, "", ("x",), b"\0", True])
def test_a_malformed_body_is_refused(at: int, item: object) -> None:
    """A field of another type or out of its range is a BodyError, whatever it is."""
    body = EDIT.to_body()
    wrong = (*body[:at], item, *body[at + 1 :])
    if wrong == body or (type(item) is str and type(body[at]) is str):
        return
    with pytest.raises(BodyError):
        EditedRecord.from_body(wrong)


@pytest.mark.parametrize(
    "body", [None, (), EDIT.to_body()[:-1], (*EDIT.to_body(), 1), {"run": "R1"}]
)
def test_another_length_is_refused(body: object) -> None:
    """Exactly the contract's fields."""
    with pytest.raises(BodyError):
        EditedRecord.from_body(body)


def test_a_change_of_no_figure_is_refused() -> None:
    """An edit cannot speak of an index."""
    body = changed(changes=(Change("index_end", 1, 2),)).to_body()
    with pytest.raises(BodyError, match="no figure of an interval"):
        EditedRecord.from_body(body)


amounts_strategy = st.builds(Amounts, *(st.integers(0, 3) for _ in Amounts._fields))


@given(amounts_strategy, amounts_strategy)
def test_changes_lead_to_the_new_figures(before: Amounts, after: Amounts) -> None:
    """The changes name exactly what differs, and applied to the old figures give the new."""
    changes = changes_between(before, after)
    assert before._replace(**{change.field: change.new for change in changes}) == after
    assert all(getattr(before, change.field) == change.old != change.new for change in changes)


def morning(configuration: RunConfig = CONFIG) -> Site:
    """Six five-minute intervals; the pressure transmitter is silent in the fourth."""
    site = Site(configuration)
    for n in range(31):
        site.temperature(15.0 + n / 10)
        if not 15 < n < 20:
            site.pressure(400.0 + n)
        site.meter(1000 + 117 * n + n * n, vb=5 * n).wait(MINUTE)
    return site.close()


@pytest.fixture(scope="module")
def site() -> Site:
    return morning()


def test_the_same_configuration_gives_the_same_figures(site: Site) -> None:
    """A recalculation is the recompute: without a correction nothing changes."""
    assert len(site.records) >= 6
    for record in site.records:
        assert recalculate(CONFIG, record, site.scans) == Amounts.of(record)


@pytest.mark.parametrize(
    "corrected",
    [
        config(gas=OTHER_GAS),
        config(atmosphere_dpa=850_000),
        config(method="fixed-K", k_e9=985_000_000),
        config(base_temperature_mk=273_150),
        config(pressure=CONFIG.pressure._replace(substitute=5_100_000)),
        config(pressure=CONFIG.pressure._replace(low=5_100_000, substitute=5_200_000)),
        config(qmin_l_h=1_000, error_curve=(CurvePoint(1000, 5000),)),
    ],
)
def test_as_if_it_had_been_configured_so(site: Site, corrected: RunConfig) -> None:
    """Means, flags and counters are those of a run under the corrected configuration.

    Only the remainders of the base volume are the original's: less than 1 cm3 an interval.
    """
    again = morning(corrected)
    assert len(again.records) == len(site.records)
    differs = 0
    for recorded, other in zip(site.records, again.records, strict=True):
        found = recalculate(corrected, recorded, site.scans)
        assert isinstance(found, Amounts)
        wanted = Amounts.of(other)
        for name in ("base_main_cm3", "base_error_cm3"):
            assert abs(getattr(found, name) - getattr(wanted, name)) <= 1
        assert found == wanted._replace(
            base_main_cm3=found.base_main_cm3, base_error_cm3=found.base_error_cm3
        )
        differs += found != Amounts.of(recorded)
    assert differs >= 1


def test_a_substitute_moves_only_what_it_was_used_for(site: Site) -> None:
    """Another substitute pressure changes the interval that had none, in its error counter."""
    corrected = config(pressure=CONFIG.pressure._replace(substitute=5_100_000))
    moved = [
        record
        for record in site.records
        if recalculate(corrected, record, site.scans) != Amounts.of(record)
    ]
    assert moved
    assert all(record.flags & Flag.SUBSTITUTE_PRESSURE for record in moved)
    for record in moved:
        found = recalculate(corrected, record, site.scans)
        assert isinstance(found, Amounts)
        assert found.base_main_cm3 == record.base_main_cm3
        assert found.base_error_cm3 != record.base_error_cm3


def test_a_known_answer() -> None:
    """PT at another atmosphere: C = P Tb / (Pb T), worked out by hand in fractions."""
    configuration = config(method="PT", stale_ms=10 * MINUTE)
    site = Site(configuration).measured(400.0, 15.0).meter(1000).wait(5 * MINUTE)
    site.measured(400.0, 15.0).meter(31_000)
    (record,) = site.records
    for atmosphere_dpa in (1_013_250, 900_000):
        c = Fraction(4_000_000 + atmosphere_dpa, 1_013_250) * Fraction(293_150, 288_150)
        c_e9 = round(c * 10**9)
        found = recalculate(config(
            method="PT", stale_ms=10 * MINUTE, atmosphere_dpa=atmosphere_dpa
        ), record, site.scans)  # fmt: skip
        assert isinstance(found, Amounts)
        assert (found.c_e9, found.line_main_cm3) == (c_e9, 30_000_000)
        assert found.base_main_cm3 == 30_000_000 * c_e9 // 10**9


def test_an_edit_leaves_the_carry_alone(site: Site) -> None:
    """Recalculating one interval, or all in any order, gives the same: none sees another's."""
    corrected = config(gas=OTHER_GAS)
    forward = [recalculate(corrected, record, site.scans) for record in site.records]
    backward = [recalculate(corrected, record, site.scans) for record in site.records[::-1]]
    assert forward == backward[::-1]


@pytest.mark.parametrize(
    ("corrected", "told"),
    [
        (config(interval_ms=MINUTE), "end"),
        (config(run="R2"), "run"),
        (config(qmax_l_h=5_000), "totals"),
    ],
)
def test_another_interval_is_refused(site: Site, corrected: RunConfig, told: str) -> None:
    """A configuration that would cut the time or count the index otherwise gives no figures."""
    found = [recalculate(corrected, record, site.scans) for record in site.records[1:]]
    refused = [each for each in found if isinstance(each, NotRecalculated)]
    assert any(str(each).startswith(told) for each in refused), found


def test_another_algorithm_is_refused(site: Site) -> None:
    """A record of other rules than this program's is not made again by this program's."""
    record = dataclasses.replace(site.records[0], algorithm=1)
    assert isinstance(recalculate(CONFIG, record, site.scans), NotRecalculated)


def test_the_parts_of_a_gap() -> None:
    """Each of the intervals that a gap was split into is recalculated by its own share."""
    site = Site(config(interval_ms=MINUTE)).measured().meter(0).wait(4 * MINUTE)
    site.measured().meter(1000)
    assert [record.parts for record in site.records] == [4] * 4
    corrected = config(interval_ms=MINUTE, atmosphere_dpa=700_000)
    for record in site.records:
        found = recalculate(corrected, record, site.scans)
        assert isinstance(found, Amounts)
        assert found.line_error_cm3 == record.line_error_cm3
        assert found.base_error_cm3 < record.base_error_cm3
    uncut = recalculate(config(interval_ms=MINUTE, stale_ms=9 * MINUTE), record, site.scans)
    assert uncut == NotRecalculated("parts: the original has 4, here it is 1")


def test_energy_is_exact() -> None:
    """Base volume times heating value, in microjoules."""
    assert BEFORE.energy_uj == 40_000_000 * 36_000_000
    assert (BEFORE.line_cm3, BEFORE.base_cm3) == (10_000_000, 40_000_000)
    assert EditKind.RECALCULATED == "recalculated"
