"""A proof in words: values with units, instrument, instant, clock, what was proven and not."""

from typing import Any

import pytest

from edge_agent.language import load_words
from edge_agent.terminal import WIDTH, columns
from edge_agent.verify.proof_lines import grouped, proof_lines
from protocols.audit.proof_folder import ProofReport, check_proof, pair
from protocols.evidence.leaf import Kind
from tests.central.proofs.site import proof_of

EN, ZH = (
    load_words("edge_agent.verify", chinese=False),
    load_words("edge_agent.verify", chinese=True),
)
INTERVAL = check_proof(proof_of(Kind.INTERVAL))
SCAN = check_proof(proof_of(Kind.SCAN))


def text_of(report: ProofReport, pinned: bool = False, words: Any = EN) -> str:
    return "\n".join(proof_lines(report, pinned, words))


def test_an_interval() -> None:
    """Volumes, indexes, P, T, Z, C, instrument, begin and end with the clock's state."""
    text = text_of(INTERVAL)
    for part in (
        "PROVEN: an interval record",
        "M-100 (sick-flowsic500)",
        "begins                    2026-03-11 00:30:00.000 UTC, clock synchronised",
        " m³", " kPa", " °C", "index at end, vm", "MJ/m³",
        "not what the meter showed",
        "Units and scaling are those of the run's configuration and the register map",
        grouped(INTERVAL.keys.publisher.fingerprint)[:39],
    ):  # fmt: skip
        assert part in text, part


def test_a_scan() -> None:
    """The instrument's own value and unit."""
    text = text_of(SCAN)
    assert "T-300 (rosemount-3095fb)" in text
    assert "process_temperature       55.7954254 °F" in text


@pytest.mark.parametrize("report", [INTERVAL, SCAN])
@pytest.mark.parametrize("words", [EN, ZH])
def test_lines_fit_a_terminal(report: ProofReport, words: Any) -> None:
    """80 columns in either language."""
    assert all(columns(line) <= WIDTH for line in proof_lines(report, False, words))


def test_who_gave_the_publisher_is_not_asked_to_compare() -> None:
    """Then it is said that it is the one that was given."""
    assert "compare this fingerprint" in text_of(SCAN).replace("\n    ", " ")
    assert "as you gave it" in text_of(SCAN, pinned=True)
    assert "Who published the keys" not in text_of(SCAN, pinned=True)


def test_an_unset_clock_is_said_to_prove_no_time() -> None:
    """The instant is told by boot number, and bounded by the receipt."""
    leaf = SCAN.leaf._replace(utc_ms=None, clock_state=0)
    report = SCAN._replace(proven=SCAN.proven._replace(leaf=leaf))
    text = text_of(report)
    assert "no clock was set; boot 1, 6755.000 s after it" in text
    assert "Before 2026-03-11 01:30:05.000 UTC" in text.replace("\n    ", " ")


def test_raw_figures_are_said_to_have_no_unit() -> None:
    """Where no register map is in the folder."""
    names = {*pair("leaf"), "keys.txt"}
    alone = check_proof({name: proof_of(Kind.SCAN)[name] for name in names})
    assert "Units: no register map" in text_of(alone)
