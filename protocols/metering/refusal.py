"""Why a method gives no Z: values, because a converter meets them every day and must say which."""

from __future__ import annotations

import math
from typing import NamedTuple


class OutOfRange(NamedTuple):
    """An input outside `low`..`high`, where the method is not proven (or not defined)."""

    field: str
    value: float
    low: float
    high: float

    def __str__(self) -> str:
        if math.isinf(self.high):
            return f"{self.field} is {self.value:g}, not above {self.low:g}"
        return (
            f"{self.field} is {self.value:g}, the method's range is {self.low:g} to {self.high:g}"
        )


class NotConverged(NamedTuple):
    """The equations have no usable solution there: never a value, not even the ideal gas's."""

    detail: str

    def __str__(self) -> str:
        return self.detail
