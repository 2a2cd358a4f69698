"""What central publishes of a gateway's keys and its own, as one signed note."""

from central.key_spans import load_schedule
from central.proofs.prove import ProofError
from central.proofs.publisher import PublisherKeys
from central.receipt_keys import load_receipt_keys
from central.store.database import Store
from protocols.evidence.published import PublishedKeys, sign_keys


def published_keys(store: Store, keys: PublisherKeys, gateway: str, time_s: int) -> bytes:
    """The note ``keys.txt`` for one gateway at ``time_s``. Raises ProofError, KeyFileError."""
    with store.engine.connect() as conn:
        schedule = load_schedule(conn, gateway)
    if schedule is None:
        raise ProofError(f"gateway {gateway[:80]} is not registered; edge-central gateway list")
    receipts = load_receipt_keys(store.directory)
    first = receipts.verifiers[0].vkey
    found = PublishedKeys(keys.public, time_s, first, receipts.notes, schedule)
    return sign_keys(found, keys.signer)
