"""Which of a method's two ranges holds: a choice of the contract, so of the caller."""

from __future__ import annotations

from enum import StrEnum


class Limits(StrEnum):
    """PIPELINE: where the standard claims 0.1 % for Z. PROGRAM: all that its equations are for."""

    PIPELINE = "pipeline"
    PROGRAM = "program"
