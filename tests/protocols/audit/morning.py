"""The leaves of a morning at one gateway, as its real pipeline records them."""

from protocols.evidence.leaf import Kind, Leaf, Log
from tests.central.web import story

_GATEWAY = story.Gateway(story.GATEWAY)
story.tell(_GATEWAY, list(story.polls()))
BILLING: tuple[Leaf, ...] = tuple(_GATEWAY._waiting[Log.BILLING])
TELEMETRY: tuple[Leaf, ...] = tuple(_GATEWAY._waiting[Log.TELEMETRY])


def first(kind: Kind) -> Leaf:
    """The first billing leaf of a kind."""
    return next(leaf for leaf in BILLING if leaf.kind is kind)
