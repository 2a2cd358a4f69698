"""`edge-agent key show` and `edge-agent key rotate`: what they find and do, as lines."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from edge_agent.keys.key_files import KeyFileError, StateFiles
from edge_agent.keys.keys import Keys, load_keys
from edge_agent.keys.rotation import Rotation, State
from edge_agent.recorder.key_request import ask, is_asked
from edge_agent.recording.key_recording import Wish
from edge_agent.state_lock import AlreadyRunning, state_lock
from edge_agent.uplink.tls_identity import TLS_FILE, read_identity
from protocols.evidence.keys import KeySpan, key_fingerprint
from protocols.evidence.leaf import Log

LOOK_S: Final = 0.25
TAKEN_UP_S: Final = 15.0
_MAX_PEM_BYTES: Final = 16_384
_DONE: Final = {
    State.WANTED: "is made; the agent has yet to record it",
    State.ATTEMPTED: "is being recorded",
    State.RECORDED: "is recorded; central has yet to give its receipt",
    State.RECEIPTED: "is in force; the old one goes with the last receipt",
}


class Shown(NamedTuple):
    """What is printed, and whether something wants attention."""

    lines: list[str]
    is_good: bool


def show(state_dir: Path, now_s: int) -> Shown:
    """Public halves, where they are valid, and the certificate's dates. Raises KeyFileError.

    The first line is the key for `edge-central gateway add`. Works beside the agent.
    """
    keys = load_keys(state_dir)
    lines = [keys.signer.vkey, f"fingerprint  {key_fingerprint(keys.signer.vkey)}"]
    spans = keys.schedule.spans(Log.BILLING)
    lines += [f"{_span(span):<13}{span.vkey.split('+')[1]}  {_from(span)}" for span in spans]
    if keys.rotation is not None:
        lines += _rotation_lines(keys.rotation)
    pem = StateFiles(state_dir).read(TLS_FILE, _MAX_PEM_BYTES)
    if pem is None:
        return Shown([*lines, "TLS          no client certificate"], is_good=True)
    identity = read_identity(pem)
    dates = f"{_date(identity.not_before_s)} to {_date(identity.not_after_s)}"
    is_good = identity.not_before_s <= now_s < identity.not_after_s
    dates += "" if is_good else ": NOT VALID NOW; look at the clock, enroll again"
    return Shown([*lines, f"TLS          {identity.fingerprint}", f"valid        {dates}"], is_good)


def rotate(
    state_dir: Path, wish: Wish, say: Callable[[str], None], pause: Callable[[float], object]
) -> bool:
    """Ask for a new log key; False where a running agent did not take it up.

    Raises KeyFileError where a rotation is under way, or there is no key.
    """
    before = load_keys(state_dir)
    if before.rotation is not None or is_asked(state_dir):
        raise KeyFileError(
            f"a rotation is under way in {state_dir}; edge-agent key show tells how far it is"
        )
    ask(state_dir, wish)
    if not _agent_runs(state_dir):
        say("No agent runs here: the key changes when it starts.")
        return True
    say("Asked the running agent.")
    for _ in range(round(TAKEN_UP_S / LOOK_S)):
        pause(LOOK_S)
        keys = _look(state_dir)
        if keys is None or is_asked(state_dir):
            continue
        if keys.rotation is None and keys.signer.vkey == before.signer.vkey:
            continue
        for line in _after(keys, before):
            say(line)
        return True
    say(f"It did not record a new key within {TAKEN_UP_S:.0f} s: look at its log.")
    return False


def _after(keys: Keys, before: Keys) -> list[str]:
    if keys.rotation is None:
        return [f"The new key is in force; {before.signer.vkey.split('+')[1]} is destroyed.",
                keys.signer.vkey]  # fmt: skip
    return [*_rotation_lines(keys.rotation),
            "The old one goes when central has receipts for all that it signed."]  # fmt: skip


def _rotation_lines(rotation: Rotation) -> list[str]:
    return [f"new key      {rotation.new_vkey.split('+')[1]}  {_DONE[rotation.state]}"]


def _agent_runs(state_dir: Path) -> bool:
    try:
        with state_lock(state_dir):
            return False
    except AlreadyRunning:
        return True


def _look(state_dir: Path) -> Keys | None:
    """None while the agent moves a file."""
    try:
        return load_keys(state_dir)
    except KeyFileError:
        return None


def _span(span: KeySpan) -> str:
    return "key" if span.until is None else "revoked key"


def _from(span: KeySpan) -> str:
    if span.begin == (0, 0):
        return "from the beginning"
    return f"from epoch {span.epoch}, {span.after} leaves of billing on"


def _date(at_s: int) -> str:
    return datetime.datetime.fromtimestamp(at_s, datetime.UTC).date().isoformat()
