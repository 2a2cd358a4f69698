"""The sentence's light: the worse of metering and sending."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge_agent.language import load_words
from edge_agent.status.headline import headline
from edge_agent.status.model import Snapshot
from tests.edge_agent.status.snapshots import journal, run, site, uplink


def test_the_log_that_waits_longest_counts() -> None:
    """A receipt for intervals says nothing of the scans; a log without unsent leaves waits not."""
    words = load_words("edge_agent.status", chinese=False)
    part = uplink(
        last_receipt_age_ms=5_000, receipt_ages_ms={"billing": 5_000, "telemetry": 90_000}
    )
    told = headline(replace(site(), uplink=part), words)
    assert told == ("good", "The site meters; central has everything until 90 s ago.")
    none = journal(unsent={"billing": 1, "telemetry": 0})
    told = headline(replace(site(), uplink=part, journal=none), words)
    assert told[1].endswith("until 5 s ago.")


@pytest.mark.parametrize(
    ("snapshot", "light"),
    [
        (site(), "good"),
        (replace(site(), uplink=uplink(state="window")), "good"),
        (site(0), "warning"),
        (replace(site(), runs=(run(1, quality="uncertain"),)), "warning"),
        (replace(site(), uplink=uplink(state="never")), "warning"),
        (replace(site(), journal=journal(unsent={"billing": 5000, "telemetry": 0})), "warning"),
        (replace(site(), runs=(run(1), run(2, quality="bad"))), "bad"),
        (replace(site(), uplink=uplink(state="failing")), "bad"),
        (replace(site(0), uplink=uplink(state="standstill")), "bad"),
        (replace(site(), journal=journal(failing="full")), "bad"),
    ],
)
@pytest.mark.parametrize("chinese", [False, True])
def test_the_worse_of_both(snapshot: Snapshot, light: str, chinese: bool) -> None:
    """In either language."""
    found, sentence = headline(snapshot, load_words("edge_agent.status", chinese=chinese))
    assert found == light
    assert sentence
