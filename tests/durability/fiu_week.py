"""A simulated week in a process whose C library fails: `SEED KILLS DIRECTORY`; tells what was told.

A process of its own: libfiu must be preloaded, and nothing else shall fail with it.
"""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path

from tests.durability.fiu import Fiu
from tests.durability.test_week import How, accounted_bounded, accounted_exactly, live, summary


def main() -> None:
    seed, kills, directory = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    week = live(directory, How(seed, kills=kills), Fiu(), lambda _: nullcontext())
    if kills:
        accounted_bounded(week)
    else:
        accounted_exactly(week)
    print(summary(week))


if __name__ == "__main__":
    main()
