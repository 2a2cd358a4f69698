"""What gateway.toml says of orders: the key that is believed, and gases that orders replace."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from edge_agent.config.file import ConfigErrors
from tests.edge_agent.gateway import RECEIPTS, config_of, table
from tests.edge_agent.recording.test_order_recording import ORDERS


def with_key(text: str) -> dict[str, Any]:
    changed = table()
    changed["central"]["order_key"] = text
    return changed


def test_the_order_key_may_be_left_out(tmp_path: Path) -> None:
    """Then there is none."""
    assert config_of(tmp_path).central.order_key == ""
    assert config_of(tmp_path, with_key(ORDERS.vkey)).central.order_key == ORDERS.vkey


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (RECEIPTS.vkey, "central.order_key is no key for orders"),
        (ORDERS.vkey[:-2], "central.order_key verifier key"),
        ("central", "copy what edge-central order-key prints"),
    ],
)
def test_another_key_is_a_fault(tmp_path: Path, text: str, told: str) -> None:
    """The receipt key in its place is told, and so is half a key."""
    with pytest.raises(ConfigErrors) as error:
        config_of(tmp_path, with_key(text))
    assert told in str(error.value).replace(":", "")


def test_an_order_key_in_the_place_of_the_receipt_key_is_a_fault(tmp_path: Path) -> None:
    """Neither key is for the other's thing."""
    changed = table()
    changed["central"]["receipt_key"] = ORDERS.vkey
    with pytest.raises(ConfigErrors, match="is no key for receipts"):
        config_of(tmp_path, changed)


@pytest.mark.parametrize(
    ("changes", "is_same"),
    [
        ({}, True),
        ({"x_co2": Decimal("0.0060")}, True),
        ({"x_co2": Decimal("0.007")}, False),
        ({"x_n2": Decimal("0.01")}, False),
        ({"heating_value": {"superior_mj_m3": Decimal("37.8"), "reference": "20/20"}}, False),
    ],
)
def test_a_gas_is_the_same_while_the_file_says_the_same(
    tmp_path: Path, changes: dict[str, Any], is_same: bool
) -> None:
    """Every figure counts, also the heating value that only energy needs; its spelling does not."""
    changed = table()
    changed["gas"][0].update(changes)
    before, after = config_of(tmp_path), config_of(tmp_path, changed)
    assert (before.gas_hash("grid") == after.gas_hash("grid")) is is_same
    assert len(before.gas_hash("grid")) == 32
    assert before.gas_hash("lpg") == b""
