"""Rows of the published gas vectors in tests/vectors."""

import csv
from pathlib import Path

VECTORS = Path(__file__).parents[2] / "vectors"


def rows(name: str) -> list[dict[str, str]]:
    """The rows of one csv file; its header comments are skipped."""
    with (VECTORS / name).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(line for line in lines if not line.startswith("#")))
