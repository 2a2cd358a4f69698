"""What the log says of the last hours; of a real journal: `test_faults_clock.py`."""

from types import SimpleNamespace

from edge_agent.doctor.events_look import MOST_TOLD, SINCE_S, newest, recent_events
from protocols.evidence.leaf import Kind

NOW_S = 1_800_000_000


def leaf(kind: Kind, body: tuple, subject: str = "R1", age_s: int = 60):
    return SimpleNamespace(kind=kind, body=body, subject=subject, utc_ms=1000 * (NOW_S - age_s))


def jump(age_s: int = 60, detail: str = "d", subject: str = "R1"):
    return leaf(Kind.EVENT, ("index_jump", 1, 2, "agent", detail), subject, age_s)


def test_the_newest_of_each() -> None:
    """By code and subject; what is older than the time looked at is not told."""
    found = newest([jump(SINCE_S + 5), jump(300, "old"), jump(60, "new")], NOW_S)
    assert [(one.code, one.age_s, one.detail) for one in found] == [("index_jump", 60, "new")]


def test_steps_of_the_clock() -> None:
    """A second at least; where it was not known before there was none."""
    leaves = [
        leaf(Kind.CLOCK, (None, 5, None)), leaf(Kind.CLOCK, (1000, 1400, 2)),
        leaf(Kind.CLOCK, (10_000, 3_000, 2)),
    ]  # fmt: skip
    assert [one.detail for one in newest(leaves, NOW_S)] == ["-7"]


def test_anything_else_is_passed_over() -> None:
    """Other events, and bodies that are none of ours; a flood is bounded."""
    odd = [leaf(Kind.EVENT, body) for body in ((), ("index_jump",), ("gap", 1, 2, "a", "d"))]
    assert newest(odd, NOW_S) == ()
    assert len(newest([jump(subject=f"R{n}") for n in range(99)], NOW_S)) == MOST_TOLD


def test_no_journal_says_nothing(tmp_path) -> None:
    """A new gateway."""
    assert recent_events(tmp_path / "journal.db", "gw-1", NOW_S) == ()
