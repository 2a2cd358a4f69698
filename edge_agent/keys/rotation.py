"""How far a rotation of the log key is, as a file beside the keys says; the keys then. Pure.

| state | the new key exists, and |
|---|---|
| wanted | no KEY leaf names it yet |
| attempted | a KEY leaf at `place` was about to be stored: the journal knows whether it was |
| recorded | the KEY leaf is in the journal |
| receipted | central holds the KEY leaf: it wants the new key from now on |

The old key is destroyed when central holds all that it had to sign: the billing log up to the KEY
leaf, the telemetry log up to `telemetry_size`, or these epochs are closed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from protocols.evidence.key_change import Place
from protocols.evidence.keys import KeySchedule, KeySpan
from protocols.evidence.leaf import Log
from protocols.evidence.note import Signer

_FORMAT: Final = re.compile(
    r"gas-gateway rotation v1\n(wanted|attempted|recorded|receipted)\n"
    r"(0|[1-9][0-9]{0,15}) (0|[1-9][0-9]{0,15}) (0|[1-9][0-9]{0,15})\n(\S+)\n(\S+)\n",
    re.ASCII,
)
NOWHERE: Final = Place(0, 0, 0)


class State(StrEnum):
    """How far it is."""

    WANTED = "wanted"
    ATTEMPTED = "attempted"
    RECORDED = "recorded"
    RECEIPTED = "receipted"


class Rotation(NamedTuple):
    """From one key to the other. `place` counts unless it is only wanted."""

    state: State
    place: Place
    old_vkey: str
    new_vkey: str

    def to_bytes(self) -> bytes:
        place = " ".join(map(str, self.place))
        lines = ("gas-gateway rotation v1", self.state, place, self.old_vkey, self.new_vkey)
        return "".join(f"{line}\n" for line in lines).encode("ascii")

    @classmethod
    def from_bytes(cls, data: bytes) -> Rotation | None:
        """None for what is no such file."""
        match = _FORMAT.fullmatch(data.decode("ascii", errors="replace"))
        if match is None:
            return None
        place = Place(int(match[2]), int(match[3]), int(match[4]))
        return cls(State(match[1]), place, match[5], match[6])

    def end_of_old(self, log: Log) -> tuple[int, int]:
        """The last (epoch, size) that the old key signs."""
        size = self.place.seq + 1 if log is Log.BILLING else self.place.telemetry_size
        return self.place.epoch, size

    @property
    def divides(self) -> bool:
        """Whether `place` parts the two keys' checkpoints."""
        return self.state is not State.WANTED


@dataclass(frozen=True, slots=True)
class Held:
    """One consistent view, replaced as a whole: the uplink reads it while the recorder moves on.

    `signers` by verifier key; `schedule` without the rotation. `tried`: the journal that knew
    whether central heard of the rotation is lost; then this key is tried, and the other one where
    central refuses it. `sizes`: what central holds, (epoch, size) of each log, as far as known.
    """

    signers: Mapping[str, Signer]
    schedule: KeySchedule
    rotation: Rotation | None = None
    tried: str | None = None
    sizes: Mapping[Log, tuple[int, int]] = field(default_factory=dict)

    def whole_schedule(self) -> KeySchedule:
        """With the rotation. Raises Malformed where it does not fit."""
        rotation = self.rotation
        if rotation is None or not rotation.divides:
            return self.schedule
        billing, telemetry = (
            (*self.schedule.spans(log), KeySpan(*rotation.end_of_old(log), rotation.new_vkey))
            for log in (Log.BILLING, Log.TELEMETRY)
        )
        return KeySchedule(billing, telemetry)

    def current(self) -> str:
        """The key that central knows by now."""
        if self.tried is not None:
            return self.tried
        if self.rotation is not None and self.rotation.state is State.RECEIPTED:
            return self.rotation.new_vkey
        return self.schedule.newest

    def is_held(self, log: Log, place: tuple[int, int]) -> bool:
        """Central is known to hold the log up to this place, or beyond it in the same epoch."""
        epoch, size = self.sizes.get(log, (-1, 0))
        return epoch == place[0] and size >= place[1]
