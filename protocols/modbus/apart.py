"""What a poll asks so that no answer can be taken for the one of the request before. Pure.

On a line without transactions an answer tells its unit, function and length, and no more. A device,
converter or radio that is one answer behind sends a sound frame, of what was asked before. So two
requests in a row never have answers of one shape: the second reads a point's registers more
(`plan.wider`), or, where the map has no such, something else is asked between them. A block that is
alone in its plan and cannot be asked for more is repeated as it is, and parted each minute: one
behind, its answer is the right point's, one poll old.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from protocols.modbus.plan import Block, wider
from protocols.modbus.probe import probe_block, same_shape
from protocols.registers.profile import Profile

_POLLS: Final = 3
"""The first begins after nothing; then they repeat themselves after two."""


def as_asked(blocks: Sequence[Block], profile: Profile, *, parted: bool) -> tuple[Block, ...]:
    """The requests of the costlier one of two polls in a row of these blocks.

    `parted`: something else is asked between two of one shape, as on lines without transactions.
    """
    known: list[Block] = []
    polls: list[list[Block]] = []
    last: Block | None = None
    for _ in range(_POLLS):
        poll: list[Block] = []
        for block in blocks:
            asked = block
            if last is not None and same_shape(last, block):
                asked = wider(block, profile) or block
                if parted and asked is block and last.address != block.address:
                    known = known or _known(blocks, profile)
                    poll += [one for one in known if not same_shape(one, block)][:1]
            poll.append(asked)
            last = asked
        polls.append(poll)
    costlier = max(polls[1:], key=_cost)
    return tuple(costlier)


def _cost(poll: Sequence[Block]) -> tuple[int, int]:
    return len(poll), sum(block.data_bytes for block in poll)


def _known(blocks: Sequence[Block], profile: Profile) -> list[Block]:
    """What is asked of the device anyway, its probe too; the shortest answer first."""
    probe = probe_block(profile, blocks)
    known = [one for one in (probe, *blocks) if one is not None]
    return sorted(known, key=lambda one: one.data_bytes)
