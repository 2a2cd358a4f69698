"""What a person is asked again once all is answered."""

from __future__ import annotations

from edge_agent.commission.interview import with_its_gas

ASKED = (
    ("site", "name"),
    ("gas", "grid", "hs_25_0_mj_m3"),
    ("gas", "grid", "x_co2"),
    ("gas", "other", "x_co2"),
)


def test_all_figures_of_a_gas_that_do_not_fit_each_other() -> None:
    """The heating value is blamed, and CO2 of 60 % is wrong: whoever is asked for the one alone
    never gets out."""
    assert with_its_gas([("gas", "grid", "hs_25_0_mj_m3")], ASKED) == list(ASKED[1:3])
    assert with_its_gas([("site", "name")], ASKED) == [("site", "name")]
    assert with_its_gas([], ASKED) == []
