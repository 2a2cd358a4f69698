"""Whether a new configuration works, as a table."""

from __future__ import annotations

import pytest

from edge_agent.config_store.history import Baseline
from edge_agent.remote.trial import LONGEST_S, Back, Elapsed, Name, Seen, verdict

M1, P1, NEW_M1 = ("meter-1", "M1"), ("p-1", "P1"), ("meter-1", "M2")
BOTH = Baseline((M1, P1), central=True)


def seen(*answered: Name, central: bool = True, without: tuple[Name, ...] = ()) -> Seen:
    configured = frozenset({M1, P1} - set(without) | set(answered))
    return Seen(configured, frozenset(answered), central)


@pytest.mark.parametrize(
    ("baseline", "found", "elapsed", "expected"),
    [
        (BOTH, seen(M1, P1), Elapsed(1, 1), True),
        (BOTH, seen(M1), Elapsed(1, 1), False),
        (BOTH, seen(M1), Elapsed(300, 300), "p-1 (P1)"),
        (BOTH, seen(M1, P1, central=False), Elapsed(299, 299), False),
        (BOTH, seen(M1, P1, central=False), Elapsed(300, 300), "central"),
        # the windows of the day: central's time stands still, but not for ever
        (BOTH, seen(M1, P1, central=False), Elapsed(5000, 10), False),
        (BOTH, seen(M1, P1, central=False), Elapsed(LONGEST_S, 10), "central"),
        # what did not work before is not asked for
        (Baseline(), seen(central=False), Elapsed(0, 0), True),
        (Baseline((P1,)), seen(P1, central=False), Elapsed(1, 1), True),
        # one that has another name has to answer too; one that was taken out has not
        (Baseline((M1,)), seen(("gas-meter", "M1"), without=(M1,)), Elapsed(1, 1), True),
        (BOTH, seen(M1, without=(P1,)), Elapsed(1, 1), True),
    ],
)
def test_verdict(baseline: Baseline, found: Seen, elapsed: Elapsed, expected: bool | str) -> None:
    """Kept as soon as all is shown; back with what is missing; else waited for."""
    told = verdict(baseline, found, elapsed, 300.0)
    if isinstance(expected, str):
        assert isinstance(told, Back)
        assert expected in told.why
    else:
        assert told is expected


def test_a_meter_that_another_has_replaced_is_not_missed() -> None:
    """Whoever is silent in its place is another one: to go back would bill it as the old one."""
    found = Seen(frozenset({NEW_M1}), frozenset(), central=True)
    assert verdict(Baseline((M1,)), found, Elapsed(300, 300), 300.0) is True
