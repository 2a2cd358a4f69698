"""The file that remembers a rotation: one spelling, and nothing that is not it."""

from __future__ import annotations

import pytest

from edge_agent.keys.rotation import Rotation, State
from protocols.evidence.key_change import Place
from protocols.evidence.leaf import Log

ROTATION = Rotation(State.RECORDED, Place(2, 17, 400), "gw-1+aa+b", "gw-1+cc+d")
GOLDEN = b"gas-gateway rotation v1\nrecorded\n2 17 400\ngw-1+aa+b\ngw-1+cc+d\n"


def test_golden_bytes() -> None:
    """A state directory of an earlier build is read by a later one."""
    assert ROTATION.to_bytes() == GOLDEN
    assert Rotation.from_bytes(GOLDEN) == ROTATION


@pytest.mark.parametrize(
    "data",
    [b"", GOLDEN[:-1], GOLDEN + b"\n", GOLDEN.replace(b"17", b"017"), b"\xff" * 40,
     GOLDEN.replace(b"recorded", b"done"), GOLDEN.replace(b"17 ", b"-1 ")],
)  # fmt: skip
def test_another_file_is_no_rotation(data: bytes) -> None:
    """Cut, longer, another spelling, another state."""
    assert Rotation.from_bytes(data) is None


def test_the_old_key_signs_the_key_leaf_and_no_leaf_after_it() -> None:
    """The batch that ends with the KEY leaf is its last."""
    assert ROTATION.end_of_old(Log.BILLING) == (2, 18)
    assert ROTATION.end_of_old(Log.TELEMETRY) == (2, 400)
    assert not ROTATION._replace(state=State.WANTED).divides
