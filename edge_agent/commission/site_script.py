"""The first questions: the site, and how central is reached. Pure."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any, Final

from edge_agent.commission.question import (
    AGAIN,
    NONE,
    BadAnswer,
    Choice,
    Look,
    Note,
    Question,
    Script,
    Step,
)
from edge_agent.commission.seen import Enrolment, Keys
from protocols.evidence.enrol_token import Token
from protocols.evidence.errors import Malformed
from protocols.metering.atmosphere import atmosphere_pa
from protocols.metering.refusal import OutOfRange

LATER: Final = "later"
_KEY_SETTINGS: Final = ("order_key", "parcel_key", "proxy", "client_certificate")


def site_part() -> Script:
    """Name, customer, calendar and atmosphere."""
    yield _of("site", "name")
    yield _of("site", "customer", NONE)
    yield _of("site", "zone", (yield Look("zone")), takes=zone_text)
    yield _of("site", "gas_day_start_hour", "8")
    altitude = yield _of("site", "altitude_m", takes=number_or_none)
    yield _of("site", "atmospheric_pressure_kpa", _standard_kpa(altitude))


def central_part(state_dir: Path) -> Script:
    """Where central is, and the keys by which both know each other."""
    url = yield _of("central", "url")
    state = yield Question(("gateway", "state_dir"), "gateway.state_dir", str(state_dir),
                           quiet=True)  # fmt: skip
    keys: Keys | None = yield Look("keys", (state,))
    if keys is not None and keys.settings:
        yield Note("central.known", {"gateway": keys.gateway})
        yield from _known(keys.gateway, keys.settings)
        return
    token = yield Question(
        ("central", "token"), "central.token", None, takes=token_text, secret=True
    )  # fmt: skip
    if token == NONE:
        yield from _by_hand(state, keys)
    elif token:
        yield from _enrol(state, url, token)


def approval_part(state: str) -> Script:
    """Until an operator has let the gateway in: nothing can be checked or sent before."""
    look = Look("approval", (state,))
    found: Enrolment | None = yield look
    while found is not None and found.state == "pending":
        yield Question(
            ("wizard", "approval"), "sign.approval", AGAIN, choices=(Choice(AGAIN),),
            values={"fingerprint": found.fingerprint}, forgets=(look,),
        )  # fmt: skip
        found = yield look
    if found is not None and found.state == "approved":
        yield from _known(found.gateway, found.settings)


def zone_text(text: str) -> str:
    """As the tz database writes it, where it was typed without capitals."""
    return text.title() if text.islower() and "/" in text else text


def token_text(text: str) -> str:
    """A token as `edge-central gateway add --token` prints it, or "-"."""
    if text == NONE:
        return text
    try:
        return Token.from_text(text.strip()).to_text()
    except Malformed as error:
        raise BadAnswer("bad.token", why=error) from error


def number_or_none(text: str) -> str:
    """What the configuration's own check judges; "-" where there is none."""
    return text.replace(",", ".").strip()


def _of(table: str, name: str, default: str | None = None, **more: Any) -> Question:
    field = f"{table}.{name}"
    return Question((table, name), field, default, fields=(field,), **more)


def _standard_kpa(altitude: str) -> str | None:
    """Of the altitude that was told, by the standard atmosphere."""
    try:
        pressure = atmosphere_pa(float(altitude))
    except ValueError:
        return None
    return None if isinstance(pressure, OutOfRange) else f"{pressure / 1000:.3f}"


def _enrol(state: str, url: str, token: str) -> Script:
    """The request goes now: an operator may approve it while the other questions are answered.

    Another address or token is another look; the token itself stands in none.
    """
    look = Look("enrol", (state, url, hash(token)))
    found: Enrolment | None = yield look
    if found is None:
        return
    if found.state == "failed":
        yield Question(
            ("wizard", "enrol"), "central.enrol", AGAIN, values={"said": "\n".join(found.said)},
            choices=(Choice(AGAIN), Choice(LATER)), forgets=(look,),
        )  # fmt: skip
    else:
        yield Note(f"central.{found.state}", {"fingerprint": found.fingerprint})
    gateway = Token.from_text(token).gateway
    yield Question(("gateway", "id"), "gateway.id", gateway, ("gateway.id",), quiet=True)
    yield from _known(gateway, found.settings)


def _by_hand(state: str, keys: Keys | None) -> Script:
    """Without a token: keys made here, central's CA and receipt key copied by the installer."""
    known = None if keys is None else keys.gateway
    gateway = yield _of("gateway", "id", known, quiet=known is not None)
    if gateway:
        vkey = yield Look("new_keys", (state, gateway))
        if vkey:
            yield Note("central.vkey", {"gateway": gateway, "vkey": vkey})
    yield _of("central", "ca")
    yield _of("central", "receipt_key")


def _known(gateway: str, settings: Any) -> Generator[Step, Any, None]:
    """What needs no question, as answers like others."""
    if gateway:
        yield Question(("gateway", "id"), "gateway.id", gateway, ("gateway.id",), quiet=True)
    for name in ("ca", "receipt_key", *_KEY_SETTINGS):
        if settings.get(name):
            yield Question(("central", name), f"central.{name}", settings[name],
                           (f"central.{name}",), quiet=True)  # fmt: skip
