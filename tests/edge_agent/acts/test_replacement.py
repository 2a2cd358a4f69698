"""Whose index is whose, and what is told of what nobody saw."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from edge_agent.acts.replacement import (
    NEW,
    NOBODY,
    OLD,
    UNKNOWN,
    Found,
    Meters,
    by_role,
    edits,
    end_indexes,
    ended,
    statement_fields,
    who_answers,
)
from edge_agent.acts.toml_edit import edited
from edge_agent.config.file import read_config
from protocols.evidence.statement import Statement
from protocols.metering.run_config import RunConfig
from tests.edge_agent.gateway import TOML, config_of


@pytest.fixture(name="run")
def _run(tmp_path: Path) -> RunConfig:
    (run,) = config_of(tmp_path).runs
    return run


def meters(old: str = "1000.800", new: str = "0.012", **more: str) -> Meters:
    starts = {"line": Decimal(new), **{role: Decimal(index) for role, index in more.items()}}
    return Meters({"line": Decimal(old)}, starts, "M2", temporary=False, at="2026-11-26 10:20")


def m3(**indexes: str) -> dict[str, Decimal]:
    return {role: Decimal(index) for role, index in indexes.items()}


@pytest.mark.parametrize(
    ("old", "new", "read", "answers"),
    [
        ("1000.8", "0.012", "1000.900", OLD),
        ("1000.8", "0.012", "2900.000", OLD),  # 1900 m3 later: at 1000 m3/h that is two hours
        ("1000.8", "0.012", "1000.500", OLD),  # a digit misread, or the display is ahead
        ("100000.8", "0.012", "0.020", NEW),
        ("100000.8", "0.012", "50000", UNKNOWN),
        ("1000.8", "1001.2", "1001.5", UNKNOWN),  # either
        ("999999.8", "500000", "0.300", OLD),  # the register went round meanwhile
    ],
)
def test_who_answers(run: RunConfig, old: str, new: str, read: str, answers: str) -> None:
    """By the index, as far as the meter can have gone since it was typed."""
    assert who_answers(run, meters(old, new), m3(line=read)) == answers
    assert who_answers(run, meters(old, new), {}) == NOBODY


def test_a_dead_meter_ends_as_typed(run: RunConfig) -> None:
    """Its other totals have no end; what it counted since its last poll is a figure."""
    found = Found(NOBODY, m3(line="1000.5", base="4000.0"), {}, {})
    assert end_indexes(meters(), found) == {"line": (Decimal("1000.800"), "typed")}
    told = dict(statement_fields(run, meters(), found, {"new_seal": "0047"}))
    assert (told["old.line.end_m3"], told["old.line.end_from"]) == ("1000.800", "typed")
    assert (told["old.line.polled_m3"], told["old.line.unseen_m3"]) == ("1000.5", "0.300")
    assert (told["new.line.start_m3"], told["new_seal"]) == ("0.012", "0047")
    assert "new.line.read_m3" not in told
    Statement("meter_replaced", "Li", "why", tuple(told.items())).to_body()


def test_a_meter_that_answers_ends_as_read(run: RunConfig) -> None:
    """All its totals; what was typed stays beside."""
    found = Found(OLD, m3(line="1000.5"), m3(line="1000.9", base="4003.1"), m3(line="0.02"))
    told = dict(statement_fields(run, meters(base="7"), found, {}))
    assert (told["old.line.end_m3"], told["old.line.typed_m3"]) == ("1000.9", "1000.800")
    assert (told["old.base.end_m3"], told["old.base.end_from"]) == ("4003.1", "read")
    assert told["new.line.unseen_m3"] == "0.008"
    assert told["new.base.start_m3"] == "7"


def test_what_was_polled_of_the_new_one_is_no_figure_of_the_old(run: RunConfig) -> None:
    """Its last poll may be the new meter's."""
    found = Found(NEW, m3(line="0.02"), {}, m3(line="0.02"))
    told = dict(statement_fields(run, meters(), found, {}))
    assert "old.line.unseen_m3" not in told


def test_indexes_by_role(run: RunConfig) -> None:
    """In m3, by the role that each total has."""
    assert by_role(run, {"vm": 1_000_500, "vb": 7, "other": 1}) == m3(line="1000.500", base="0.007")


def test_the_file_after_it(run: RunConfig, tmp_path: Path) -> None:
    """Serial, end, start, who; it is a good configuration, and a temporary meter is flagged."""
    config_of(tmp_path)
    found = Found(NOBODY, {}, {}, {})
    changes = edits(
        "meter-1", run, meters()._replace(temporary=True), found, ("李伟", "周检" + "x" * 200)
    )
    config = read_config(edited(TOML, changes).encode(), tmp_path / "gateway.toml")
    (after,) = config.runs
    assert (after.meter_serial, after.temporary) == ("M2", True)
    (change,) = config.meter_changes
    assert change[:5] == ("R1", "M1", 1_000_800, 12, "2026-11-26 10:20")
    assert config.change.by == change.by == "李伟"


def test_a_later_poll_is_the_end(run: RunConfig) -> None:
    """Between the reading for the act and the loan of the bus the agent went on polling."""
    found = Found(OLD, m3(line="1000.1"), m3(line="1000.2", base="5"), {})
    after = ended(run, found, m3(line="1000.4", base="4"))
    assert after.old_read == m3(line="1000.4", base="5")
    told = dict(statement_fields(run, meters(), after, {}))
    assert (told["old.line.end_m3"], told["old.line.unseen_m3"]) == ("1000.4", "0.000")
    over = ended(run, Found(OLD, {}, m3(line="999999.999"), {}), m3(line="0.001"))
    assert over.old_read == m3(line="0.001")
