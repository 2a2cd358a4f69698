"""Whether an upload that overlaps ours tells the same log; the rest is in test_evidence_refused."""

import pytest

from central.intake.contradiction import contradiction
from protocols.evidence.leaf import Log, encode_leaf, leaf_hash
from protocols.evidence.merkle import hole_of
from protocols.evidence.upload import decode_upload, seal

TELEMETRY = Log.TELEMETRY


@pytest.fixture
def told(central, polled, made):
    """What is said of an upload with a hole, of the same log or of another."""
    central.register(polled)
    central.send(polled, TELEMETRY, 40, cut=7)

    def run(first, size, hole, gateway=polled):
        leaves = gateway.leaves[TELEMETRY][first:size]
        hashes = [leaf_hash(encode_leaf(leaf)) for leaf in leaves]
        kept = [leaf for leaf in leaves if not hole[0] <= leaf.seq < hole[1]]
        holes = (hole_of(hole[0], hashes[hole[0] - first : hole[1] - first]),)
        frontier = gateway.frontier(TELEMETRY, first)
        sealed = seal(
            gateway.origin(TELEMETRY), frontier, kept, gateway.secret, gateway.signer, holes
        )
        ours = polled.frontier(TELEMETRY, 40)
        return central.ask(contradiction, ours, sealed.upload, size)

    other = made.Gateway().configure(made.config("R1"), made.config("R2"))
    for _ in range(14):
        other.poll(counts=1)
    run.other = other
    return run


@pytest.mark.parametrize(
    ("first", "size", "hole"),
    [(10, 30, (12, 20)), (10, 50, (42, 45)), (10, 50, (12, 20)), (30, 50, (38, 44)),
     (10, 20, (10, 20)), (45, 50, (46, 48))],
)  # fmt: skip
def test_the_same_log_with_holes_contradicts_nothing(told, first, size, hole):
    """Evicted leaves below, above and across our end, or nothing but a hole."""
    assert told(first, size, hole) is None


@pytest.mark.parametrize(
    ("first", "size", "hole", "words"),
    [(10, 30, (12, 20), "is another than the one"), (10, 50, (42, 45), "does not follow")],
)
def test_another_log_is_found_beside_its_holes(told, first, size, hole, words):
    """What is there is compared."""
    assert words in told(first, size, hole, told.other)


def test_a_damaged_payload_accuses_nobody(central, polled):
    """What cannot be opened says nothing."""
    central.register(polled)
    central.send(polled, TELEMETRY, 40)
    upload = decode_upload(polled.upload(TELEMETRY, 10, 30))
    ours = polled.frontier(TELEMETRY, 40)
    damaged = upload._replace(payload=upload.payload[:-1])
    assert central.ask(contradiction, ours, damaged, 30) is None
