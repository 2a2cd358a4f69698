"""LOSS and EPOCH bodies: round trips, and every other form refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.evidence.cbor import Body
from protocols.evidence.errors import Malformed
from protocols.evidence.facts import (
    MAX_CITATIONS,
    MAX_DETAIL_CHARS,
    Citation,
    EpochBody,
    EpochReason,
    Loss,
    LossReason,
    Moment,
    parse_epoch,
    parse_loss,
)
from protocols.evidence.leaf import Log

moments = st.one_of(st.none(), st.builds(Moment, st.integers(0, 9), st.integers(0, 1 << 50)))
CITED = Citation(Log.BILLING, 7, b"checkpoint", b"receipt")
EPOCH = EpochBody(EpochReason.SALVAGED, 0, (CITED, CITED._replace(log=Log.TELEMETRY)), "why")


@given(
    st.sampled_from(LossReason),
    st.sampled_from([None, *Log]),
    st.integers(0, 1 << 40),
    st.integers(1, 1 << 20),
    st.one_of(st.none(), st.integers(0, 1 << 40)),
    moments,
    moments,
)
def test_a_loss_is_read_as_it_was_written(
    reason: LossReason, log: Log | None, first: int, length: int, count: int | None,
    since: Moment | None, until: Moment | None,
) -> None:  # fmt: skip
    """Every loss, of leaves or of polls, survives its body."""
    span = (first, first + length) if log else (0, 0)
    loss = Loss(reason, log, 3, *span, count, since, until, "disk full")
    assert parse_loss(loss.to_body()) == loss


LOSS = Loss(LossReason.EVICTED, Log.TELEMETRY, 1, 4, 9, 5, Moment(1, 2), Moment(1, 3)).to_body()


@pytest.mark.parametrize(
    ("place", "item"),
    [
        (0, "mislaid"), (0, 1), (1, "bills"), (1, None), (1, 0), (2, -1), (2, 1 << 31), (3, None),
        (3, 9), (3, 10), (3, -1), (4, 0), (4, 4), (4, (1 << 48) + 1), (5, -1), (5, "5"),
        (6, (1,)), (6, (1, -2)), (6, 5), (7, ("1", 2)), (7, (1 << 31, 2)), (8, None),
        (8, "x" * (MAX_DETAIL_CHARS + 1)),
    ],
)  # fmt: skip
def test_other_losses_are_malformed(place: int, item: object) -> None:
    """Each field out of its range or form is named."""
    body = (*LOSS[:place], item, *LOSS[place + 1 :])
    with pytest.raises(Malformed, match="loss"):
        parse_loss(body)


@pytest.mark.parametrize("body", [(), LOSS[:-1], (*LOSS, 1)])
def test_a_loss_of_another_length_is_malformed(body: Body) -> None:
    """Nine fields, no more and no fewer."""
    with pytest.raises(Malformed, match="nine fields"):
        parse_loss(body)


@pytest.mark.parametrize("epoch", [EPOCH, EpochBody(EpochReason.JOURNAL_LOST, None)])
def test_an_epoch_is_read_as_it_was_written(epoch: EpochBody) -> None:
    """With what it cites, and without."""
    assert parse_epoch(epoch.to_body()) == epoch


@pytest.mark.parametrize(
    "body",
    [
        (),
        ("lost", 0, (), ""),
        ("salvaged", -1, (), ""),
        ("salvaged", 0, None, ""),
        ("salvaged", 0, (), "x" * (MAX_DETAIL_CHARS + 1)),
        ("salvaged", 0, (("billing", 1, b"", b""),) * (MAX_CITATIONS + 1), ""),
        ("salvaged", 0, (("billing", 1, b""),), ""),
        ("salvaged", 0, (("bill", 1, b"", b""),), ""),
        ("salvaged", 0, (("billing", -1, b"", b""),), ""),
        ("salvaged", 0, (("billing", 1, bytes(1025), b""),), ""),
    ],
)
def test_other_epochs_are_malformed(body: Body) -> None:
    """Unknown reasons, numbers out of range, citations that are none."""
    with pytest.raises(Malformed, match=r"epoch|citation"):
        parse_epoch(body)
