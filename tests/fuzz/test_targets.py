"""Every decoder of evidence on bytes that nobody agreed on: an EvidenceError, or a value.

The short form mutates one good input of each; the long one is guided by coverage (atheris).
"""

import os
import random
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS, run

SECONDS = int(os.environ.get("FUZZ_SECONDS", "60"))
MOST_MEGABYTES = 1024
SLOWEST_S = 10
RANDOM_INPUTS = 300
MOST_BYTES = 192 * 1024 * 1024  # MAX_ITEMS items of a batch, with what CPython takes for each


def _mutated(good: bytes, rng: random.Random) -> bytes:
    """A few bits, a cut, something doubled, or something of its own in between."""
    data = bytearray(good)
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(data) + 1)
        choice = rng.randrange(5)
        if choice == 0 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif choice == 1:
            del data[at : at + rng.randrange(1, 9)]
        elif choice == 2:
            data[at:at] = rng.randbytes(rng.randrange(1, 9))
        elif choice == 3:
            data[at:at] = data[at : at + rng.randrange(1, 64)]
        else:
            data[at : at + 8] = rng.choice([b"\xff" * 8, b"\x9b" + b"\xff" * 7, b"\x1b" * 8])
    return bytes(data)


@pytest.mark.parametrize("name", TARGETS)
def test_broken_input_is_refused_within_bounds(name: str) -> None:
    """Mutations of a good input raise nothing but EvidenceError, and take no more memory."""
    good = TARGETS[name][1]
    rng = random.Random(name)
    TARGETS[name][0](good)
    run(name, b"")
    tracemalloc.start()
    try:
        for _ in range(RANDOM_INPUTS):
            run(name, _mutated(good, rng))
        assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
    finally:
        tracemalloc.stop()


@pytest.mark.long
@pytest.mark.timeout(SECONDS + 120)
@pytest.mark.parametrize("name", TARGETS)
def test_guided_by_coverage(name: str, tmp_path: Path) -> None:
    """FUZZ_SECONDS (60) of each: no crash, no hang, memory bounded."""
    pytest.importorskip("atheris", reason="there is no atheris for this processor")
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "good").write_bytes(TARGETS[name][1])
    limits = [
        f"-max_total_time={SECONDS}",
        f"-timeout={SLOWEST_S}",
        f"-rss_limit_mb={MOST_MEGABYTES}",
        f"-artifact_prefix={tmp_path}/",
        "-max_len=65536",
        "-print_final_stats=1",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", name, *limits, str(corpus)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    print(done.stderr[-2000:])
    assert done.returncode == 0, done.stderr[-6000:]
    assert "stat::number_of_executed_units" in done.stderr
