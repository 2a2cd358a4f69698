"""The account of a gateway: every leaf in order, what contradicts and what is only missing."""

from collections.abc import Iterator

import pytest

from protocols.audit.account import MAX_REASONS, Account
from protocols.evidence.errors import NotHeld
from protocols.evidence.facts import EpochBody, EpochReason, Loss, LossReason
from protocols.evidence.key_change import Place, sign_change
from protocols.evidence.keys import KeySchedule, KeySpan
from protocols.evidence.leaf import Kind, Leaf, Log, Was
from protocols.evidence.note import Signer
from tests.central.web import story
from tests.protocols.audit.morning import BILLING, TELEMETRY, first

SIGNER = story.Gateway(story.GATEWAY).signer
LOGS = KeySchedule.of(SIGNER.vkey)


def scans(epoch: int, first_seq: int, end: int) -> Iterator[tuple[int, Leaf]]:
    if epoch:
        raise NotHeld("scans_absent")
    return ((leaf.seq, leaf) for leaf in TELEMETRY[first_seq:end])


def account_of(leaves: list[Leaf], logs: KeySchedule = LOGS) -> tuple[Account, list[str]]:
    account = Account(logs, scans, lambda _epoch, _seq: None)
    return account, [fault for leaf in leaves for fault in account.take(leaf)]


def test_a_morning_has_no_flaw() -> None:
    """All intervals are made again, nothing is missing."""
    account, faults = account_of(list(BILLING))
    assert (faults, account.law_faults(), account.not_proven) == ([], [], {})
    assert account.kinds[Kind.INTERVAL] == account.runs[story.RUN].remade == 48


def test_configurations_of_before_the_range_explain_it() -> None:
    """Without them each interval names what never came."""
    before = [leaf for leaf in BILLING if leaf.kind in (Kind.CONFIGURATION, Kind.REGISTER_MAP)]
    rest = [leaf for leaf in BILLING if leaf not in before]
    account = Account(LOGS, scans, lambda _epoch, _seq: None)
    for leaf in before:
        account.explain(leaf)
    assert [fault for leaf in rest for fault in account.take(leaf)] == []
    _, faults = account_of(rest)
    assert all("never came" in fault for fault in faults)
    assert faults


def test_missing_scans_are_counted_and_no_flaw() -> None:
    """By reason, of which few are kept."""
    moved = [leaf._replace(epoch=1) for leaf in BILLING]
    account, faults = account_of(moved)
    assert faults == []
    assert account.not_proven == {"scans_absent": 48}
    assert MAX_REASONS < 100


def test_a_repeated_leaf_must_be_the_one_that_it_repeats() -> None:
    """Held already: skipped if its hash is the same, a flaw if not; not held: booked."""
    leaf = first(Kind.INTERVAL)._replace(epoch=1, seq=9, was=Was(0, 6, b"h" * 32))
    for held, faults in ((b"h" * 32, 0), (b"x" * 32, 1)):
        account = Account(LOGS, scans, lambda _epoch, _seq, held=held: held)
        assert len(account.take(leaf)) == faults
        assert account.runs == {}
        assert account.repeated == 1
    account, _ = account_of([first(Kind.CONFIGURATION), *BILLING[1:6], leaf])
    assert account.runs[story.RUN].remade == 1  # its scans are in the numbers of epoch 0


def test_losses_and_epochs_are_kept() -> None:
    """As what the gateway says of itself; a malformed one is a flaw."""
    loss = Loss(LossReason.EVICTED, Log.TELEMETRY, 0, 5, 9, 4)
    epoch = EpochBody(EpochReason.SALVAGED, 0)
    base = first(Kind.EVENT)
    leaves = [
        base._replace(kind=Kind.LOSS, body=loss.to_body()),
        base._replace(kind=Kind.EPOCH, body=epoch.to_body()),
    ]
    account, faults = account_of(leaves)
    assert faults == []
    assert [kept for _, kept in account.losses] == [loss]
    assert [kept for _, kept in account.epochs] == [epoch]
    _, (fault,) = account_of([base._replace(kind=Kind.LOSS, body=("why",))])
    assert fault.startswith("LOSS: ")


def test_a_rotation_must_be_signed_and_published() -> None:
    """Both signatures; the old key in force there; the new one published from there on."""
    new = Signer.from_private_bytes(story.GATEWAY, b"n" * 32)
    change = sign_change(Place(0, 20, 300), SIGNER, new)
    leaf = first(Kind.EVENT)._replace(kind=Kind.KEY, seq=20, body=change.to_body())
    span = KeySpan(0, 0, SIGNER.vkey)
    published = KeySchedule((span, KeySpan(0, 21, new.vkey)), (span, KeySpan(0, 300, new.vkey)))
    assert account_of([leaf], published)[1] == []
    assert "not published" in account_of([leaf])[1][0]
    assert "KEY" in account_of([leaf._replace(seq=21)], published)[1][0]
    forged = leaf._replace(body=change._replace(signature_old=bytes(64)).to_body())
    assert "not signed by" in account_of([forged], published)[1][0]
    other = KeySchedule((KeySpan(0, 0, new.vkey),), (span,))
    assert "old key" in account_of([leaf], other)[1][0]


@pytest.mark.parametrize("kind", [Kind.INTERVAL, Kind.CONFIGURATION, Kind.REGISTER_MAP])
def test_a_body_that_makes_no_sense_is_a_flaw(kind: Kind) -> None:
    """It names the kind, and the account goes on."""
    account, faults = account_of([BILLING[1]._replace(kind=kind, body=(1, "x"))])
    assert len(faults) == 1
    assert faults[0].startswith(kind.name)
    assert account.take(BILLING[1]) == []


@pytest.mark.parametrize("reason", EpochReason)
def test_what_an_old_state_counted_again_is_booked_nowhere(reason: EpochReason) -> None:
    """Its intervals are evidence; the epochs of other reasons repeat what was never booked."""
    opened = first(Kind.EVENT)._replace(
        kind=Kind.EPOCH, epoch=1, seq=0, body=EpochBody(reason, 0).to_body()
    )
    again = first(Kind.INTERVAL)._replace(epoch=1, seq=9, was=Was(0, 6, b"h" * 32))
    account, _ = account_of([first(Kind.CONFIGURATION), *BILLING[1:6], opened, again])
    stale = reason in (EpochReason.SET_BACK, EpochReason.FORKED)
    assert account.of_old_image == stale
    assert (story.RUN in account.runs) is not stale


def test_an_old_state_is_known_by_the_epoch_that_found_it_out() -> None:
    """Its leaf comes again where nothing of that epoch was sent; what came after it counts."""
    body = EpochBody(EpochReason.SET_BACK, 0).to_body()
    opened = first(Kind.EVENT)._replace(kind=Kind.EPOCH, epoch=2, body=body)
    opened = opened._replace(was=Was(1, 0, b"e" * 32))
    again = first(Kind.INTERVAL)._replace(epoch=2, seq=9)
    for epoch, stale in ((0, True), (1, False)):
        leaf = again._replace(was=Was(epoch, 6, b"h" * 32))
        account, _ = account_of([first(Kind.CONFIGURATION), *BILLING[1:6], opened, leaf])
        assert account.of_old_image == stale
        assert (story.RUN in account.runs) is not stale
