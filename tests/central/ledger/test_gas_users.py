"""What central can foresee of an order for gas, by the configurations that it knows."""

import pytest

from central.ledger.gas_users import gas_faults
from protocols.evidence.leaf import NO_REFERENCE, Kind, Log
from protocols.metering.gas import Gas
from protocols.metering.gas_data import GasSource, gas_of_inputs
from protocols.metering.sgerg88 import SgergGas

GRID = Gas("grid", (), 40_660_000, 581_000_000, 6_000_000)
METHANE = Gas("lng", (10**9, *[0] * 20))


def sent(name="grid"):
    figures = SgergGas(39.73, 0.605, 0.005, 0.0)
    return gas_of_inputs(name, figures, GasSource.CENTRAL, 1_796_083_200_000, "Li Wei")


@pytest.fixture
def gateway(central, made):
    """R1 by SGERG-88 on the grid's gas, R2 by GERG-2008 on LNG, R3 without a gas."""
    gateway = made.Gateway().configure(
        made.config("R1", method="SGERG-88", gas=GRID),
        made.config("R2", method="GERG-2008", gas=METHANE),
        made.config("R3"),
    )
    central.register(gateway)
    return gateway


def faults(central, gateway, name="grid"):
    central.send(gateway, Log.BILLING)
    central.catch_up()
    return central.ask(gas_faults, gateway.name, sent(name))


def test_a_gas_that_its_runs_can_use_has_no_fault(central, gateway):
    """Central has nothing to say against it."""
    assert faults(central, gateway) == []


def test_a_gas_that_no_run_uses_is_told_with_the_names_that_are(central, gateway):
    """A wrong name is found before the order is signed."""
    (told,) = faults(central, gateway, "gird")
    assert told == "--gas 'gird' is used by no run of gw-1; its gases: grid, lng"


def test_figures_for_a_run_that_needs_a_composition_are_told(central, gateway):
    """With the run and the reason."""
    (told, *_) = faults(central, gateway, "lng")
    assert told == "run R2: gas: method GERG-2008 needs a composition"


def test_what_central_does_not_know_it_does_not_judge(central, made):
    """Before the first batch of a gateway there is nothing to hold a gas against."""
    gateway = made.Gateway()
    central.register(gateway)
    assert central.ask(gas_faults, "gw-1", sent()) == []


def test_a_run_that_was_removed_uses_nothing(central, made, gateway):
    """Until it is configured again."""
    gateway.add(Kind.EVENT, "R2", NO_REFERENCE, ("run_removed", "M", None, "", ""))
    (told,) = faults(central, gateway, "lng")
    assert "is used by no run" in told
    gateway.configure(made.config("R2", method="GERG-2008", gas=METHANE))
    assert faults(central, gateway, "lng")[0].startswith("run R2: ")


def test_the_newest_configuration_counts(central, made, gateway):
    """R2 converts by another method now, which four figures suffice for."""
    gateway.configure(made.config("R2", method="SGERG-88", gas=METHANE))
    assert faults(central, gateway, "lng") == []
