"""What makes a run configuration unusable; every fault at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from protocols.metering.run_config import RunConfig


def faults(config: RunConfig) -> list[str]:
    """Every fault of the configuration, each with its remedy."""
    return []
