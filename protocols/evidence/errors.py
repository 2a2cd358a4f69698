"""What can be wrong with evidence: each error says what, where and the remedy."""


class EvidenceError(Exception):
    """Evidence that is not accepted; nothing may be pruned or stored because of it."""


class Malformed(EvidenceError):  # noqa: N818 - what is wrong is the name
    """Bytes or text outside the format: never parsed leniently."""


class BadSignature(EvidenceError):  # noqa: N818 - what is wrong is the name
    """A signature of the wrong key, or one that does not verify."""


class Fork(EvidenceError):  # noqa: N818 - what is wrong is the name
    """Validly signed evidence that contradicts our own log."""


class NotHeld(EvidenceError):  # noqa: N818 - what is wrong is the name
    """The other side speaks of a size that our log does not reach, or no longer holds."""
