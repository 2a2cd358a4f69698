"""Leaves of a site that a test records without a journal."""

from __future__ import annotations

from edge_agent.journal.draft import Draft, Salts
from edge_agent.journal.memory import first_memory
from protocols.evidence.leaf import Leaf, decode_leaf
from tests.edge_agent.gateway import BOOT_ID, GATEWAY


def new_draft() -> Draft:
    return Draft(first_memory(GATEWAY, BOOT_ID), Salts(GATEWAY, b"s" * 32))


def newest_first(draft: Draft) -> list[Leaf]:
    return [decode_leaf(leaf.data) for leaf in reversed(draft.leaves)]
