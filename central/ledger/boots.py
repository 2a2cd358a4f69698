"""When something happened that no synchronised clock told: derived, or bounded; pure.

- Its clock was synchronised later in the boot: derived, because two moments of a boot are as far
  apart by the monotonic clock as their instants are.
- It never was: bounded. Not before what an earlier boot is known to have recorded, or before a
  receipt that the boot cites; not after the receipt of the batch that brought it, nor after the
  beginning of a later boot.

Order is by boot, never by wall time. What a leaf tells is not rewritten: who shows a derived or
bounded instant says that it is one. The receipt of the batch before is no lower bound: after an
outage, leaves of many days wait for it.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

MAX_UTC_MS: Final = 253_402_300_799_999
"""The last millisecond of the year 9999: what a date can show."""


class Relation(NamedTuple):
    """A synchronised clock at one moment of a boot."""

    mono_ms: int
    utc_ms: int

    @property
    def boot_utc_ms(self) -> int:
        """UTC at monotonic time 0."""
        return self.utc_ms - self.mono_ms


class Boot(NamedTuple):
    """One boot of a gateway, as far as its log and the receipts tell. UTC ms; None: not known.

    `start_ms` by its first synchronised clock; `latest_start_ms` by receipts of its leaves;
    `earliest_start_ms` by receipts that its leaves cite. `epoch` is the one it recorded in.
    """

    epoch: int
    boot_no: int
    start_ms: int | None
    latest_start_ms: int | None
    earliest_start_ms: int | None
    last_mono_ms: int


class Between(NamedTuple):
    """The earliest and the latest instant that are possible, UTC ms; None: no bound."""

    after_ms: int | None
    before_ms: int | None


def derived_utc_ms(relation: Relation, mono_ms: int) -> int | None:
    """UTC of an earlier moment of the boot; None where no calendar could show it."""
    utc_ms = relation.boot_utc_ms + mono_ms
    return utc_ms if 0 <= utc_ms <= MAX_UTC_MS else None


def between(boots: Sequence[Boot], epoch: int, boot_no: int, mono_ms: int) -> Between:
    """Bounds of a moment of one boot. `boots` in any order; the boot itself may be missing.

    Where the bounds contradict each other (central's clock was wrong) the receipt counts alone.
    """
    key = (epoch, boot_no)
    own = [boot for boot in boots if boot[:2] == key]
    after = [
        *(start_ms + mono_ms for boot in own for start_ms in _known(boot.earliest_start_ms)),
        *(
            start_ms + boot.last_mono_ms
            for boot in boots
            if boot[:2] < key
            for start_ms in _known(boot.start_ms, boot.earliest_start_ms)
        ),
    ]
    before = [
        *(start_ms + mono_ms for boot in own for start_ms in _known(boot.latest_start_ms)),
        *(
            start_ms
            for boot in boots
            if boot[:2] > key
            for start_ms in _known(boot.start_ms, boot.latest_start_ms)
        ),
    ]
    after_ms, before_ms = max(after, default=None), min(before, default=None)
    if after_ms is not None and before_ms is not None and after_ms > before_ms:
        return Between(None, before_ms)
    return Between(after_ms, before_ms)


def _known(*instants: int | None) -> Iterable[int]:
    return (instant for instant in instants if instant is not None)
