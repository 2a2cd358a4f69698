"""Which of the gateway's keys signs which checkpoint, and how one takes the other's place.

A rotation needs both keys for a while, and every step of it is a file that is replaced whole, so
that a crash at any point leaves keys that central knows (`rotation.py`; the tests have the table of
crash points).

| file | holds |
|---|---|
| `log.key` | the key in force; until the old one may go, the old one |
| `log.key.next` | the new key of a rotation |
| `log.key.old` | the old one between being replaced and being overwritten |
| `enrol.key` | the new key of an enrolment, until it is approved |
| `log.keys` | the public keys of before and of now, as a schedule |
| `rotation` | how far a rotation is |
| `salt.secret` | never changes: it guards what was recorded, and signs nothing |
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from edge_agent.keys.key_files import KeyFileError, StateFiles
from edge_agent.keys.rotation import NOWHERE, Held, Rotation, State
from protocols.evidence.errors import NotHeld
from protocols.evidence.key_change import KeyChange, Place, sign_change
from protocols.evidence.keys import KeySchedule
from protocols.evidence.leaf import Log, Origin
from protocols.evidence.note import Signer, Verifier

LOG_KEY: Final = "log.key"
NEXT_KEY: Final = "log.key.next"
OLD_KEY: Final = "log.key.old"
ENROL_KEY: Final = "enrol.key"
SCHEDULE: Final = "log.keys"
ROTATION: Final = "rotation"
SALT_SECRET: Final = "salt.secret"  # noqa: S105  # a file's name
SECRET_BYTES: Final = 32
KIND: Final = "log-key"
_log = logging.getLogger(__name__)


class Keys:
    """Signs checkpoints and requests. Reading is safe from any thread; a rotation is moved by the
    recorder's, but for `refused`, which is the uplink's.
    """

    def __init__(
        self,
        gateway: str,
        signer: Signer,
        salt_secret: bytes,
        files: StateFiles | None = None,
        held: Held | None = None,
    ) -> None:
        self.gateway = gateway
        self.salt_secret = salt_secret
        self._files = files
        self._lock = threading.Lock()
        self._held = held or Held({signer.vkey: signer}, KeySchedule.of(signer.vkey))

    @property
    def signer(self) -> Signer:
        """What signs requests: the key that central knows by now."""
        held = self._held
        return held.signers[held.current()]

    @property
    def schedule(self) -> KeySchedule:
        """Every key that this gateway had, with the rotation under way."""
        return self._held.whole_schedule()

    @property
    def first_epoch(self) -> int:
        """Our key signs no epoch before this one: the gateway was enrolled again."""
        return self._held.schedule.billing[-1].epoch

    @property
    def rotation(self) -> Rotation | None:
        """How far a rotation is; None where there is none under way."""
        return self._held.rotation

    def signer_for(self, log: Log, epoch: int, size: int) -> Signer:
        """The key of the checkpoint of this log at this size. Raises NotHeld, BadSignature."""
        held = self._held
        if held.tried is not None:
            return held.signers[held.tried]
        origin = Origin(self.gateway, log, epoch)
        signer = held.signers.get(held.whole_schedule().key_for(origin, size).vkey)
        if signer is None:
            raise NotHeld(
                f"{origin}: its checkpoint of {size} leaves is of a key that was replaced and "
                "destroyed since; only the stored batch can be sent again"
            )
        return signer

    def verifier_for(self, origin: Origin, size: int) -> Verifier:
        """The public half, also of keys that are gone. Raises BadSignature."""
        held = self._held
        rotation = held.rotation
        if held.tried and rotation is not None and origin.epoch > rotation.place.epoch:
            return held.signers[held.tried].verifier
        return held.whole_schedule().key_for(origin, size)

    def boundary(self, log: Log, epoch: int) -> int | None:
        """The size at which a batch must end, and the one after it begin; None: anywhere."""
        held = self._held
        if held.rotation is None or not held.rotation.divides or held.tried is not None:
            return None
        at, size = held.rotation.end_of_old(log)
        return size if at == epoch else None

    def must_wait(self, log: Log, epoch: int, first: int) -> bool:
        """Leaves from `first` on are the new key's, of which central has not heard yet."""
        rotation = self._held.rotation
        if rotation is None or rotation.state is State.RECEIPTED or log is Log.BILLING:
            return False
        end = self.boundary(log, epoch)
        return end is not None and first >= end

    def refused(self) -> bool:
        """Central wants another key: True where there is one to try."""
        with self._lock:
            held = self._held
            if held.tried is None or held.rotation is None:
                return False
            old, new = held.rotation.old_vkey, held.rotation.new_vkey
            self._held = replace(held, tried=new if held.tried == old else old)
            return True

    # ---- a rotation: the recorder's thread. OSError, KeyFileError where a file cannot be kept ----

    def wants_leaf(self, epoch: int) -> bool:
        """A KEY leaf is to be recorded now, in this epoch."""
        held = self._held
        is_wanted = held.rotation is not None and held.rotation.state is State.WANTED
        return is_wanted and held.tried is None and epoch >= self.first_epoch

    def want(self, random: Callable[[int], bytes]) -> None:
        """Begin a rotation: make the new key. Raises KeyFileError where one is under way."""
        files = self._state_files()
        with self._lock:
            held = self._held
            if held.rotation is not None:
                raise KeyFileError(
                    f"a rotation is under way ({held.rotation.state}); it ends by itself when "
                    "central has given receipts for all that the old key signed"
                )
            files.destroy(NEXT_KEY)  # of a rotation that a crash ended before it began
            files.write_secret(NEXT_KEY, KIND, self.gateway, random(SECRET_BYTES))
            new = read_signer(files, NEXT_KEY, self.gateway)
            signers = {**held.signers, new.vkey: new}
            self._held = replace(held, signers=signers)
            self._move(Rotation(State.WANTED, NOWHERE, held.schedule.newest, new.vkey))

    def attempt(self, place: Place) -> KeyChange:
        """The body of the KEY leaf that is about to be stored at `place`."""
        with self._lock:
            held, rotation = self._held, self._held.rotation
            assert rotation is not None  # wants_leaf said so
            old, new = held.signers[rotation.old_vkey], held.signers[rotation.new_vkey]
            change = sign_change(place, old, new)
            self._move(rotation._replace(state=State.ATTEMPTED, place=place))
            return change

    def withdraw(self) -> None:
        """What `attempt` made is known not to be stored, and another leaf takes its place."""
        with self._lock:
            rotation = self._held.rotation
            if rotation is not None and rotation.state is State.ATTEMPTED:
                wanted = rotation._replace(state=State.WANTED, place=NOWHERE)
                self._follow(wanted)

    def committed(self, receipted: Mapping[Log, tuple[int, int]]) -> None:
        """A tick is durable; `receipted`: what came with it, the (epoch, size) that central holds.

        So the KEY leaf is recorded; what the old key had to sign may all be there: then it goes.
        """
        with self._lock:
            held = self._held
            if receipted:
                self._held = held = replace(held, sizes={**held.sizes, **receipted})
            rotation = held.rotation
            if rotation is None or not rotation.divides:
                return
            if held.tried is not None:
                if Log.BILLING in receipted:
                    self._become_sure(rotation, held.tried)
            elif rotation.state is State.ATTEMPTED:
                self._follow(rotation._replace(state=State.RECORDED))
            elif rotation.state is State.RECORDED:
                if held.is_held(Log.BILLING, rotation.end_of_old(Log.BILLING)):
                    self._follow(rotation._replace(state=State.RECEIPTED))
            elif self._is_signed_out(rotation):
                self._finish(rotation)

    def begin(self, epoch: int, is_key_leaf: bool, sizes: Mapping[Log, tuple[int, int]]) -> None:
        """At a start: the journal's epoch, whether its KEY leaf stands at the rotation's place,
        and what central is known to hold.
        """
        with self._lock:
            self._held = replace(self._held, sizes=dict(sizes))
            rotation = self._held.rotation
            if rotation is None or not rotation.divides or rotation.state is State.RECEIPTED:
                return
            if rotation.place.epoch != epoch:
                self._doubt(rotation)
            elif is_key_leaf:
                self._move(rotation._replace(state=State.RECORDED))
            elif rotation.state is State.ATTEMPTED:
                self._move(rotation._replace(state=State.WANTED, place=NOWHERE))
            else:  # it was there: this is an older copy of the journal
                self._doubt(rotation)

    def epoch_opened(self, epoch: int) -> None:
        """A KEY leaf that is not known to be at central is history in the new epoch.

        Whether central took it nobody here knows for sure: one key is tried, then the other.
        """
        with self._lock:
            rotation = self._held.rotation
            if rotation is None or not rotation.divides or rotation.place.epoch >= epoch:
                return
            if rotation.state is not State.RECEIPTED:
                self._doubt(rotation)

    def _doubt(self, rotation: Rotation) -> None:
        self._held = replace(self._held, tried=self._held.tried or rotation.old_vkey)

    def _become_sure(self, rotation: Rotation, tried: str) -> None:
        """Central took what the key signed that we tried."""
        if tried == rotation.old_vkey:
            self._held = replace(self._held, tried=None)
            self._move(rotation._replace(state=State.WANTED, place=NOWHERE))
        else:
            self._finish(rotation)

    def _is_signed_out(self, rotation: Rotation) -> bool:
        """Central has the telemetry that the old key signs, or its epoch is closed."""
        end = rotation.end_of_old(Log.TELEMETRY)
        epoch, size = self._held.sizes.get(Log.TELEMETRY, (-1, 0))
        return end[1] == 0 or (epoch, size) >= end

    def _finish(self, rotation: Rotation) -> None:
        """The new key takes the old one's place. Each step may be the last: the next commit, or
        `load_keys`, goes on from there.
        """
        files = self._state_files()
        schedule = self._held.whole_schedule()
        files.write(SCHEDULE, schedule.to_text().encode("ascii"))
        if files.exists(NEXT_KEY):
            if files.exists(LOG_KEY):
                files.rename(LOG_KEY, OLD_KEY)
            files.rename(NEXT_KEY, LOG_KEY)
        files.destroy(OLD_KEY)
        files.remove(ROTATION)
        new = self._held.signers[rotation.new_vkey]
        self._held = Held({new.vkey: new}, schedule, sizes=self._held.sizes)
        _log.info("the log key is %s now; the old one is destroyed", new.vkey)

    def _follow(self, rotation: Rotation) -> None:
        """What the journal decided already holds though the disk takes no file now: at a start the
        journal says it again.
        """
        self._held = replace(self._held, rotation=rotation)
        self._move(rotation)

    def _move(self, rotation: Rotation) -> None:
        self._state_files().write(ROTATION, rotation.to_bytes())
        self._held = replace(self._held, rotation=rotation)

    def _state_files(self) -> StateFiles:
        if self._files is None:
            raise KeyFileError("these keys have no state directory: they cannot be rotated")
        return self._files


def read_signer(files: StateFiles, name: str, gateway: str) -> Signer:
    """A key file of this gateway. Raises KeyFileError."""
    whose, private = files.read_secret(name, KIND)
    if whose != gateway:
        raise KeyFileError(f"{files.directory / name} belongs to {whose!r}, not to {gateway!r}")
    return Signer.from_private_bytes(gateway, private)
