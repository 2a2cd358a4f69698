"""Sums of integers that no number of rows can overflow.

SQLite raises an error where a SUM leaves 64 bits, and one gateway's absurd record must not take the
pages of all others away. So each figure is summed in two limbs, and put together here.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

from sqlalchemy import ColumnElement, func

LIMB: Final = 10**9


def exact_sum(column: ColumnElement[int]) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """Two columns to select: the sums of the column's high and low limbs; 0 over no rows."""
    return (
        func.coalesce(func.sum(column // LIMB), 0),
        func.coalesce(func.sum(column % LIMB), 0),
    )


def whole(limbs: Sequence[Any]) -> list[int]:
    """The sums, from the limbs of one or more `exact_sum` in the order selected."""
    return [int(high) * LIMB + int(low) for high, low in list(pairwise(limbs))[::2]]
