"""Meter runs and regulators: what is asked, and with which default."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from edge_agent.commission.document import document
from edge_agent.commission.question import BadAnswer
from edge_agent.commission.run_script import decimal_text, near
from edge_agent.config.file import parse_config
from tests.edge_agent.commission.one_run import given
from tests.edge_agent.commission.walking import answered, asked_of, session_of, until

TYPED = {"device.scan": "no", "device.more": "no"}


def test_a_display_near_what_was_read() -> None:
    """Within the gas of some minutes and a count or two."""
    assert near("123456,8", Decimal("123456.789"), Decimal("0.1")) == "123456.8"
    for text in ("123457", "x", "nan"):
        with pytest.raises(BadAnswer):
            near(text, Decimal("123456.789"), Decimal("0.1"))
    assert decimal_text("1,50") == "1.5"
    assert decimal_text("x") == "x"  # the configuration's check tells it


def test_a_meter_belongs_to_one_run(tmp_path: Path) -> None:
    """Where all have one no further run is asked for."""
    answers = given(tmp_path)
    asked = answered(session_of(tmp_path, answers), TYPED)
    assert "run.more" not in asked
    for key in [key for key in answers if key[0] in ("run", "gas")]:
        del answers[key]
    session = session_of(tmp_path, answers)
    assert until(session, "run.meter", TYPED).default == "meter-1"


def test_a_meter_without_the_standards_symbols(tmp_path: Path) -> None:
    """Its counters are offered; its resolution is its profile's."""
    answers = given(tmp_path)
    answers["device", "meter-1", "profile"] = "vpinstruments-vpflowscope"
    session = session_of(tmp_path, answers)
    question = until(session, "run.total_line", TYPED)
    assert question.choices[0].answer == "vb"
    session.answer(question, "vb")
    assert asked_of(session).words == "run.total_base"


def test_gauge_or_absolute_has_no_default(tmp_path: Path) -> None:
    """A wrong guess would be one atmosphere in every volume."""
    answers = given(tmp_path)
    del answers["run", "R1", "pressure_kind"]
    assert until(session_of(tmp_path, answers), "run.pressure_kind", TYPED).default is None


def test_a_regulator(tmp_path: Path) -> None:
    """Its outlet pressure and the run that it supplies."""
    answers = given(tmp_path)
    session = session_of(tmp_path, answers)
    session.answer(until(session, "regulator.more", TYPED), "yes")
    typed = {"regulator.set_kpa_gauge": "20", "regulator.outlet_device": "p-1",
             "regulator.outlet_kind": "gauge", "regulator.outlet_range": "0-100 kPa",
             "regulator.run": "R1"}  # fmt: skip
    answered(session, typed)
    [found] = parse_config(document(answers), tmp_path / "gateway.toml").regulators
    assert found.regulator == "PR1"
    assert found.set_dpa == 955_000 + 200_000
