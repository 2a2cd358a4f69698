"""Every cause in words, with the figures that the diagnosis gives."""

import pytest

from edge_agent.bus_tools.causes import cause_json, cause_lines
from edge_agent.terminal import columns
from protocols.modbus.diagnosis import diagnose_bus
from protocols.modbus.uart import Setup, heard
from tests.protocols.modbus.test_diagnosis import ANSWER, OURS, TABLE, dev, line

OTHERS = [Setup(19200), Setup(9600, "E"), Setup(9600, swapped=True)]
FACTS = [row[1] for row in TABLE] + [
    line(dev("a", [heard(ANSWER, theirs, OURS)], damaged=9, length=9)) for theirs in OTHERS
]


@pytest.mark.parametrize("facts", FACTS)
def test_the_words_fit_the_figures(facts):
    """None lacks a figure, each says why and what to do, in 80 columns."""
    likely = diagnose_bus(facts)
    told = cause_lines(likely)
    assert sum(line.startswith("  why: ") for line in told) == len(likely)
    assert sum(line.startswith("  do:  ") for line in told) == len(likely)
    assert max(map(columns, told), default=0) <= 80
    for one in likely:
        assert set(cause_json(one)) == {
            "cause", "sure", "device", "figures", "what", "why", "remedy",
        }  # fmt: skip
