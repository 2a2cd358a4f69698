"""Every combination of what the two sides may hold of the two logs."""

from __future__ import annotations

from itertools import product

import pytest

from edge_agent.uplink.start_check import (
    Central,
    CentralLog,
    CloneSuspected,
    GoOn,
    OpenEpoch,
    Own,
    OwnLog,
    Reason,
    decide,
)
from protocols.evidence.leaf import Log

EPOCH, SIZE, RECEIPTED, HELD_FROM = 3, 100, 60, 40
OURS, OTHER = b"o" * 32, b"x" * 32

# what central holds of one log: its state, and what it alone would lead to
STATES: dict[str, tuple[CentralLog | None, bytes | None, object]] = {
    "nothing": (None, None, "adopt"),
    "an earlier epoch": (CentralLog(EPOCH - 1, 500, OTHER), None, "adopt"),
    "less, held": (CentralLog(EPOCH, 50, OURS), OURS, 50),
    "less, just held": (CentralLog(EPOCH, HELD_FROM, OURS), OURS, HELD_FROM),
    "less, pruned": (CentralLog(EPOCH, 39, OURS), None, "adopt"),
    "what we know": (CentralLog(EPOCH, RECEIPTED, OURS), OURS, None),
    "a lost receipt": (CentralLog(EPOCH, 80, OURS), OURS, None),
    "all": (CentralLog(EPOCH, SIZE, OURS), OURS, None),
    "more": (CentralLog(EPOCH, SIZE + 1, OTHER), None, Reason.SET_BACK),
    "another root, less": (CentralLog(EPOCH, 50, OTHER), OURS, Reason.FORKED),
    "another root, as many": (CentralLog(EPOCH, SIZE, OTHER), OURS, Reason.FORKED),
    "another key": (CentralLog(EPOCH, SIZE, OTHER, own_key=False), OURS, Reason.REKEYED),
    "another key, more": (CentralLog(EPOCH, 900, OTHER, own_key=False), None, Reason.REKEYED),
}
GRAVITY = [Reason.REKEYED, Reason.FORKED, Reason.SET_BACK]
PAIRS = list(product(STATES, STATES))


def _two(billing: str, telemetry: str, newest: int | None = EPOCH) -> tuple[Own, Central]:
    states = {Log.BILLING: STATES[billing], Log.TELEMETRY: STATES[telemetry]}
    own = {log: OwnLog(SIZE, RECEIPTED, HELD_FROM, root) for log, (_, root, _) in states.items()}
    central = {log: theirs for log, (theirs, _, _) in states.items() if theirs is not None}
    return Own(EPOCH, own), Central(newest, central)


@pytest.mark.parametrize(("billing", "telemetry"), PAIRS)
@pytest.mark.parametrize("running", [False, True])
def test_every_combination_of_two_logs(billing: str, telemetry: str, running: bool) -> None:
    """The gravest finding of either log decides; otherwise each log is served for itself."""
    own, central = _two(billing, telemetry)
    meanings = {Log.BILLING: STATES[billing][2], Log.TELEMETRY: STATES[telemetry][2]}
    found = decide(own, central, running=running)
    reasons = [reason for reason in GRAVITY if reason in meanings.values()]
    if reasons:
        assert found == (CloneSuspected(reasons[0]) if running else OpenEpoch(reasons[0], EPOCH))
        return
    again = {log: meaning for log, meaning in meanings.items() if isinstance(meaning, int)}
    adopt = tuple(log for log, meaning in meanings.items() if meaning == "adopt")
    assert found == GoOn(again, adopt)


@pytest.mark.parametrize(("billing", "telemetry"), PAIRS)
def test_a_newer_epoch_at_central_sets_us_back(billing: str, telemetry: str) -> None:
    """Whatever else is found: the epoch to open is above both."""
    own, central = _two(billing, telemetry, newest=EPOCH + 4)
    assert decide(own, central, running=False) == OpenEpoch(Reason.SET_BACK, EPOCH + 4)
    running = decide(own, central, running=True)
    assert running == (CloneSuspected(Reason.SET_BACK) if central.logs else GoOn({}, ()))


@pytest.mark.parametrize("newest", [None, 0, EPOCH - 1, EPOCH])
def test_a_new_log_goes_on(newest: int | None) -> None:
    """Nothing has a receipt yet: there is nothing to compare, whatever older epochs there are."""
    own = Own(EPOCH, {log: OwnLog(5, 0, 0) for log in Log})
    for running in (False, True):
        assert decide(own, Central(newest, {}), running=running) == GoOn({}, ())


def test_an_empty_central_gets_all_that_is_held_from_the_first_leaf() -> None:
    """And adopts the other log."""
    own = Own(0, {Log.BILLING: OwnLog(9, 7, 0), Log.TELEMETRY: OwnLog(9, 7, 1)})
    found = decide(own, Central(None, {}), running=False)
    assert found == GoOn({Log.BILLING: 0}, (Log.TELEMETRY,))


def test_a_journal_begun_anew_below_what_central_holds() -> None:
    """The epoch file was lost with the journal: the same epoch, and nothing of it is known."""
    own = Own(0, {log: OwnLog(0, 0, 0) for log in Log})
    central = Central(0, {Log.BILLING: CentralLog(0, 17, OTHER)})
    assert decide(own, central, running=False) == OpenEpoch(Reason.SET_BACK, 0)


def test_enrolled_again() -> None:
    """The new key signs no epoch before the one that central renewed it from."""
    own = Own(EPOCH, {log: OwnLog(SIZE, RECEIPTED, HELD_FROM) for log in Log}, EPOCH + 3)
    central = Central(EPOCH, {})
    for running in (False, True):
        assert decide(own, central, running=running) == OpenEpoch(Reason.REKEYED, EPOCH + 2)
    ahead = Central(EPOCH + 7, {})
    assert decide(own, ahead, running=False) == OpenEpoch(Reason.REKEYED, EPOCH + 7)
    assert decide(own._replace(epoch=EPOCH + 3), central, running=False) == GoOn({}, tuple(Log))


def test_a_word_without_a_receipt_stops_nobody() -> None:
    """Central says that a newer epoch is open, and shows none: a start believes it, nobody else."""
    own, central = _two("nothing", "nothing", newest=EPOCH + 1)
    assert decide(own, central, running=False) == OpenEpoch(Reason.SET_BACK, EPOCH + 1)
    assert decide(own, central, running=True) == GoOn({}, ())
