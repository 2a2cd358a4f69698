"""What is forged, replayed, foreign, revoked, of a wrong origin, rolled back, forked or cloned.

One table over the real intake behind a real socket: each is refused, alarmed on the operator's
page, kept as evidence byte for byte, and nothing of it is stored.
"""

import http.client
import json
from typing import NamedTuple

import pytest
from sqlalchemy import func, select

from central.intake import service
from central.intake.alarms import IntakeCode, checkpoints_of, evidence_of, intake_alarms
from central.intake.app import IntakeApp
from central.intake.budget import BURST
from central.intake.judge import REPLAY_QUIET_MS
from central.ledger.queries import alarms
from central.registry import Who, list_gateways, revoke
from central.store.log_tables import batch, equivocation, head
from protocols.evidence.leaf import Log
from protocols.evidence.note import Checkpoint, Signer, sign_checkpoint
from protocols.evidence.upload import decode_conflict, decode_upload, encode_upload
from tests.central.web.serving import serving

BILLING, TELEMETRY = Log.BILLING, Log.TELEMETRY


@pytest.fixture
def post(central):
    """POST over a real connection: status, headers, body."""
    app = IntakeApp(central.intake)
    with serving(app) as url:
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=20)

        def run(body):
            connection.request("POST", "/v1/upload", body, {"Content-Type": "application/cbor"})
            answer = connection.getresponse()
            return answer.status, dict(answer.headers), answer.read()

        yield run
        connection.close()
    app.close()


class Told(NamedTuple):
    """What an attempt must end in."""

    status: int
    code: str
    is_stopped: bool = False


def another(made, epoch=0, counts=1, name="gw-1"):
    """A second machine with the same key and another story."""
    gateway = made.Gateway(name, epoch).configure(made.config("R1"), made.config("R2"))
    for _ in range(14):
        gateway.poll(counts=counts)
    return gateway.stop()


def forged(central, made, gateway):
    """Signed by a key that this gateway never had."""
    gateway.signer = Signer.from_private_bytes("gw-1", b"z" * 32)
    return gateway.upload(TELEMETRY, 30)


def foreign(central, made, gateway):
    """A gateway that nobody registered."""
    return another(made, name="gw-9").upload(TELEMETRY, 0)


def of_another_gateway(central, made, gateway):
    """A registered gateway's log, signed by another registered gateway."""
    other = another(made, name="gw-2")
    central.register(other)
    gateway.signer = Signer.from_private_bytes("gw-1", (b"gw-2" * 32)[:32])
    return gateway.upload(TELEMETRY, 30)


def wrong_origin(central, made, gateway):
    """The checkpoint is genuine, and of another log than the upload says."""
    upload = decode_upload(gateway.upload(TELEMETRY, 30))
    billing = decode_upload(gateway.upload(BILLING, 0)).checkpoint
    return encode_upload(upload._replace(checkpoint=billing))


def wrong_epoch(central, made, gateway):
    """The checkpoint is of an epoch that the upload does not name."""
    upload = decode_upload(gateway.upload(TELEMETRY, 30))
    origin = gateway.origin(TELEMETRY)._replace(epoch=7)
    note = sign_checkpoint(Checkpoint(origin, 84, bytes(32)), gateway.signer)
    return encode_upload(upload._replace(checkpoint=note))


def revoked(central, made, gateway):
    """The key was revoked up to what central holds; this goes on beyond it."""
    revoke(central.store, "gw-1", {}, lambda: central.now_ms, Who("Li", "stolen"))
    return gateway.upload(TELEMETRY, 30)


def replayed(central, made, gateway):
    """An old batch once more, long after it was stored and others after it."""
    body = gateway.upload(TELEMETRY, 0, 30)
    central.send(gateway, TELEMETRY)
    central.now_ms += REPLAY_QUIET_MS
    return body


def of_a_closed_epoch(central, made, gateway):
    """A genuine batch of an epoch that another one followed."""
    central.send(another(made, epoch=1), BILLING)
    return gateway.upload(TELEMETRY, 0, 30)


def rolled_back(central, made, gateway):
    """An old state went on in its own way, and ends where no checkpoint of ours is."""
    central.send(gateway, TELEMETRY)
    return another(made).upload(TELEMETRY, 0, 50)


def rolled_back_and_longer(central, made, gateway):
    """The same, but it has more leaves than central holds."""
    return another(made).upload(TELEMETRY, 0, 50)


def forked(central, made, gateway):
    """Two signed roots for one size."""
    return another(made).upload(TELEMETRY, 0, 30)


def forked_in_a_closed_epoch(central, made, gateway):
    """The same in an epoch that is over."""
    central.send(another(made, epoch=1), BILLING)
    return another(made).upload(TELEMETRY, 0, 30)


def cloned(central, made, gateway):
    """An epoch that is over grows on: a second machine with the same key."""
    central.send(another(made, epoch=1), BILLING)
    return gateway.upload(TELEMETRY, 30)


CASES = {
    forged: Told(401, IntakeCode.FORGED),
    foreign: Told(401, IntakeCode.FOREIGN),
    of_another_gateway: Told(401, IntakeCode.FORGED),
    wrong_origin: Told(422, IntakeCode.WRONG_ORIGIN),
    wrong_epoch: Told(422, IntakeCode.WRONG_ORIGIN),
    revoked: Told(401, IntakeCode.REVOKED_KEY),
    replayed: Told(409, IntakeCode.REPLAYED),
    of_a_closed_epoch: Told(410, IntakeCode.CLOSED_EPOCH),
    rolled_back: Told(409, IntakeCode.ROLLED_BACK),
    rolled_back_and_longer: Told(409, IntakeCode.ROLLED_BACK),
    forked: Told(403, "equivocation", is_stopped=True),
    forked_in_a_closed_epoch: Told(403, "equivocation", is_stopped=True),
    cloned: Told(403, IntakeCode.CLONE, is_stopped=True),
}


@pytest.mark.parametrize("attempt", CASES, ids=lambda attempt: attempt.__name__)
def test_it_is_refused_alarmed_and_kept(attempt, post, central, made, polled):
    """Status, alarm, evidence, stop; the log stays what it was."""
    told = CASES[attempt]
    central.register(polled)
    central.send(polled, TELEMETRY, 30)
    body = attempt(central, made, polled)
    before = _stored(central)
    status, _, answer = post(body)
    assert status == told.status, answer
    assert _stored(central) == before
    if status == 409:
        assert decode_conflict(answer).size == before["heads"]["gw-1", "telemetry", 0]
    else:
        assert all(json.loads(answer)[name] for name in ("error", "remedy"))
    whose = "" if attempt is foreign else "gw-1"
    if told.code == "equivocation":
        with central.store.engine.connect() as conn:
            [kept] = conn.execute(select(equivocation)).all()
        assert kept.theirs == decode_upload(body).checkpoint
    else:
        assert central.ask(evidence_of, whose, told.code) == [body]
        note = b"" if attempt is foreign else decode_upload(body).checkpoint
        assert central.ask(checkpoints_of, whose, told.code) == [note]
        [alarm] = central.ask(intake_alarms)
        assert (alarm.gateway, alarm.code, alarm.uploads) == (whose, told.code, 1)
        assert alarm.detail
    assert told.code in [row.code for row in central.ask(alarms)], "the overview shows it"
    [entry] = [entry for entry in list_gateways(central.store) if entry.gateway == "gw-1"]
    assert (entry.stopped_reason is not None) is told.is_stopped
    if told.is_stopped:
        assert told.code in entry.stopped_reason
        assert post(polled.upload(BILLING, 0))[0] in (401, 403)


def test_what_is_in_order_alarms_nobody(post, central, polled):
    """A lost answer, the same batch cut anew, and all of it again within minutes: no alarm."""
    central.register(polled)
    whole = polled.upload(TELEMETRY, 0)
    for body in (
        polled.upload(TELEMETRY, 0, 30),
        polled.upload(TELEMETRY, 0, 30),
        polled.upload(TELEMETRY, 0, 50),
        polled.upload(TELEMETRY, 20, 50),
        polled.upload(TELEMETRY, 30, 60),
        polled.upload(TELEMETRY, 10, 45),
        whole,
        polled.upload(TELEMETRY, 60),
        polled.upload(TELEMETRY, 0, 30),
        polled.upload(BILLING, 0),
    ):
        assert post(body)[0] in (200, 409)
    assert central.ask(intake_alarms) == []
    assert central.sent(polled, TELEMETRY) == 84


def test_refused_work_has_a_budget(post, central, made, polled):
    """A gateway that keeps sending what is refused is told to come later, the others are not."""
    central.register(polled)
    other = another(made, name="gw-2")
    central.register(other)
    upload = decode_upload(polled.upload(TELEMETRY, 0))
    wrong = encode_upload(upload._replace(payload_sha256=bytes(32)))
    answers = [post(wrong) for _ in range(BURST + 3)]
    assert [status for status, *_ in answers] == [422] * BURST + [429] * 3
    assert int(answers[-1][1]["retry-after"]) == 2
    assert post(other.upload(TELEMETRY, 0))[0] == 200
    central.now_ms += 2_000
    assert post(polled.upload(TELEMETRY, 0))[0] == 200


def test_comparing_has_a_budget_and_the_answer_does_not(post, central, polled, monkeypatch):
    """A gateway that repeats an overlapping batch for ever gets 409, and is seldom compared."""
    central.register(polled)
    central.send(polled, TELEMETRY)
    compared = []
    monkeypatch.setattr(service, "compare", lambda *_: compared.append(1))
    body = polled.upload(TELEMETRY, 0, 50)
    assert {post(body)[0] for _ in range(BURST + 3)} == {409}
    assert len(compared) == BURST
    assert central.ask(intake_alarms) == []


def test_nobody_can_use_up_anothers_budget(post, central, polled):
    """Forgeries in a gateway's name cost its budget nothing."""
    central.register(polled)
    genuine = polled.upload(TELEMETRY, 0)
    polled.signer = Signer.from_private_bytes("gw-1", b"z" * 32)
    wrong = polled.upload(TELEMETRY, 0)
    assert {post(wrong)[0] for _ in range(BURST + 1)} == {401}
    assert post(genuine)[0] == 200


def _stored(central):
    with central.store.engine.connect() as conn:
        heads = {(row.gateway, row.log, row.epoch): row.size for row in conn.execute(select(head))}
        return {"heads": heads, "batches": conn.scalar(select(func.count()).select_from(batch))}
