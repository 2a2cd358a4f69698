"""What operators decide of gateways, on a real store."""

import pytest

from central.key_spans import acts, load_schedule, store_schedule
from central.registry import (
    RegistryError,
    Who,
    add_gateway,
    list_gateways,
    parse_end,
    resume,
    revoke,
)
from protocols.evidence.errors import BadSignature
from protocols.evidence.keys import KeySchedule
from protocols.evidence.leaf import Log, Origin
from protocols.evidence.note import Signer

BILLING, TELEMETRY = Log.BILLING, Log.TELEMETRY
WHO = Who("Li Wei", "stolen from the site")


def told(central):
    """Act, who and why of each act."""
    return [(one.act, one.who, one.reason) for one in central.ask(acts, "gw-1")]


def key_at(central, log, size, epoch=0):
    """Whether a checkpoint there has a key."""
    schedule = central.ask(load_schedule, "gw-1")
    try:
        return schedule.key_for(Origin("gw-1", log, epoch), size).vkey
    except BadSignature:
        return None


def test_a_revoked_key_keeps_what_central_holds(central, polled):
    """By default it is good up to the sizes of now, in both logs, and the act says so."""
    central.register(polled)
    central.send(polled, TELEMETRY, 30)
    revoke(central.store, "gw-1", {}, lambda: 7, WHO)
    assert key_at(central, TELEMETRY, 30) == polled.signer.vkey
    assert key_at(central, TELEMETRY, 31) is None
    assert key_at(central, BILLING, 1) is None
    assert told(central)[-1] == ("revoked", *WHO)
    assert "telemetry:0:30" in central.ask(acts, "gw-1")[-1].detail
    assert list_gateways(central.store)[0].state == "REVOKED"


def test_a_key_may_be_revoked_at_another_size(central, polled):
    """Where it is known since when the key was not ours any more."""
    central.register(polled)
    central.send(polled, TELEMETRY)
    revoke(central.store, "gw-1", dict([parse_end("telemetry:0:12")]), lambda: 7, WHO)
    assert key_at(central, TELEMETRY, 12) == polled.signer.vkey
    assert key_at(central, TELEMETRY, 13) is None


def test_a_revocation_is_never_taken_back(central, polled):
    """A second one may only shorten."""
    central.register(polled)
    for text in ("telemetry:0:12", "telemetry:0:40"):
        revoke(central.store, "gw-1", dict([parse_end(text)]), lambda: 7, WHO)
    assert key_at(central, TELEMETRY, 13) is None


def test_one_of_several_keys_is_revoked(central, polled):
    """--key names which: the others' spans stay as they are."""
    central.register(polled)
    with pytest.raises(RegistryError, match="never had the key"):
        revoke(central.store, "gw-1", {}, lambda: 7, WHO, "gw-1+00000000+AA==")
    newer = Signer.from_private_bytes("gw-1", b"n" * 32).vkey
    with central.store.writer.begin() as conn:
        store_schedule(conn, KeySchedule.of(polled.signer.vkey).renewed(newer, 3), 6)
    after = revoke(central.store, "gw-1", {}, lambda: 7, WHO, polled.signer.vkey)
    assert not after.is_revoked()
    assert key_at(central, BILLING, 1) is None
    assert key_at(central, BILLING, 1, epoch=3) == newer
    assert revoke(central.store, "gw-1", {}, lambda: 7, WHO, newer).is_revoked()


def test_a_stopped_gateway_goes_on_when_an_operator_says_so(central, polled, made):
    """The stop, its reason and the decision are kept; uploads are taken again."""
    central.register(polled)
    central.send(polled, TELEMETRY, 30)
    forked = made.Gateway().configure(made.config("R1"))
    for _ in range(14):
        forked.poll(counts=1)
    assert central.intake.receive(forked.upload(TELEMETRY, 0, 30)).status == 403
    assert central.intake.receive(polled.upload(TELEMETRY, 30)).status == 403
    reason = resume(central.store, "gw-1", lambda: 8, Who("Wang", "looked at both"))
    assert reason.startswith("equivocation")
    assert central.intake.receive(polled.upload(TELEMETRY, 30)).status == 200
    assert [(act, who) for act, who, _ in told(central)] == [
        ("added", ""), ("stopped", "central"), ("resumed", "Wang"),
    ]  # fmt: skip
    with pytest.raises(RegistryError, match="not stopped"):
        resume(central.store, "gw-1", lambda: 9, WHO)


def test_a_registered_key_is_not_replaced(central, polled):
    """Another key for the same id is refused, with both ways to go on."""
    central.register(polled)
    other = Signer.from_private_bytes("gw-1", b"x" * 32)
    with pytest.raises(RegistryError, match=r"gateway add --token"):
        add_gateway(central.store, "gw-1", other.vkey, lambda: 1)


@pytest.mark.parametrize("act", [revoke, resume])
def test_nobody_decides_of_who_is_not_there(central, act):
    """An id that is not registered is told."""
    arguments = [{}] if act is revoke else []
    with pytest.raises(RegistryError, match="not registered"):
        act(central.store, "gw-7", *arguments, lambda: 1, WHO)


@pytest.mark.parametrize(
    "text", ["", "billing", "billing:0", "gas:0:1", "billing:-1:2", "billing:0:²"]
)
def test_a_wrong_size_is_told(text):
    """--at-size has one form."""
    with pytest.raises(RegistryError, match="log:epoch:size"):
        parse_end(text)
