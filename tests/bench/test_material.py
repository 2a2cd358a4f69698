"""The bench's material: what the published figures are made of."""

from protocols.evidence.leaf import Kind
from protocols.evidence.merkle import EMPTY
from protocols.evidence.note import Signer
from protocols.evidence.upload import (
    EMPTY_HEAD,
    Accepted,
    accept,
    decode_upload,
    encode_upload,
    seal,
)
from protocols.metering.interval import IntervalRecord
from tests.bench.material import SECRET, batches, rounds


def test_a_five_minute_batch_is_what_the_issue_says() -> None:
    """Eight runs, twelve values a scan, 10 s apart; eight interval records that carry volume."""
    telemetry, billing = batches(rounds("display", 60), 30)[1]
    assert len(telemetry) == 8 * 30
    assert {len(leaf.body) for leaf in telemetry} == {12}
    records = [IntervalRecord.from_body(leaf.body) for leaf in billing]
    assert [leaf.kind for leaf in billing] == [Kind.INTERVAL] * 8
    assert {record.run for record in records} == {f"R{n}" for n in range(1, 9)}
    assert all(record.line_main_cm3 > 0 and record.flags == 0 for record in records)


def test_what_the_bench_sends_central_accepts() -> None:
    """Both logs of a round are sealed, sent, and accepted leaf by leaf."""
    signer = Signer.from_private_bytes("gw-1", bytes([1]) * 32)
    first = rounds("noisy", 1)[0]
    for leaves in (first.telemetry, first.billing):
        upload = seal(leaves[0].origin(), EMPTY, leaves, SECRET, signer).upload
        outcome = accept(EMPTY_HEAD, decode_upload(encode_upload(upload)), signer.verifier, None)
        assert isinstance(outcome, Accepted)
        assert outcome.leaves == list(leaves)
