"""`edge-central offer` and `operator-key`: what a distant operator asks of a gateway.

`operator-key new` and `offer sign` need neither a store nor a network: they are for the operator's
own machine, where the key stays. `offer add`, `list`, `withdraw` and `bundle` are central's part.
"""

import argparse
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, TypeVar

from central.clock import utc_now_ms
from central.keys import create_operator_key, load_operator_key
from central.offers import (
    OfferError,
    add_offer,
    bundle_of,
    list_offers,
    withdraw_offer,
)
from central.orders import utc_text
from central.regular_file import read_regular
from central.store.database import Store
from central.terminal import row_of, show
from protocols.evidence.cbor import Body
from protocols.evidence.errors import Malformed
from protocols.evidence.offer import (
    CONFIGURATION,
    KINDS,
    MAX_OFFER_BYTES,
    READ_NOW,
    READ_RANGE,
    Offer,
    sign_offer,
)

Commands = argparse._SubParsersAction
InStore = Callable[
    [argparse.ArgumentParser, Callable[[Store, argparse.Namespace], str]], argparse.ArgumentParser
]
Needed = TypeVar("Needed")
MAX_DAYS: Final = 90


def add_offer_commands(commands: "Commands[argparse.ArgumentParser]", in_store: InStore) -> None:
    """`in_store` has a function called with the store that `--store` names."""
    key = commands.add_parser("operator-key", help="the key that offers are signed with: offline")
    of_key = key.add_subparsers(required=True, metavar="COMMAND")
    new = of_key.add_parser("new", help="make one; prints what gateways are told")
    new.add_argument("--out", type=Path, required=True, metavar="FILE")
    new.add_argument("--name", default="operator", help="default: operator")
    new.set_defaults(run=_new_key)
    offer = commands.add_parser("offer", help="configurations and requests for gateways")
    of_offer = offer.add_subparsers(required=True, metavar="COMMAND")
    _add_sign(of_offer.add_parser("sign", help="make an offer, offline, with the operator's key"))
    added = in_store(of_offer.add_parser("add", help="hand it out to its gateway"), _add)
    added.add_argument("file", type=Path, metavar="FILE", help="of offer sign")
    listed = in_store(of_offer.add_parser("list", help="what became of them, newest last"), _list)
    listed.add_argument("--gateway", metavar="GATEWAY")
    gone = in_store(of_offer.add_parser("withdraw", help="before it is taken"), _withdraw)
    bundle = in_store(of_offer.add_parser("bundle", help="a support bundle as a file"), _bundle)
    for each in (gone, bundle):
        each.add_argument("gateway", metavar="GATEWAY")
        each.add_argument("number", type=int, metavar="NUMBER")
    bundle.add_argument("--out", type=Path, required=True, metavar="FILE")


def _add_sign(sign: argparse.ArgumentParser) -> None:
    sign.add_argument("--key", type=Path, required=True, metavar="FILE")
    sign.add_argument("--gateway", required=True, metavar="GATEWAY")
    sign.add_argument("--kind", required=True, choices=KINDS)
    sign.add_argument("--out", type=Path, required=True, metavar="FILE")
    sign.add_argument("--who", required=True, metavar="NAME")
    sign.add_argument("--reason", required=True, metavar="TEXT")
    sign.add_argument("--number", type=int, metavar="N",
                      help="above all before; default: the time in seconds")  # fmt: skip
    sign.add_argument("--days", type=int, default=7, metavar="D", help="valid so long; default 7")
    sign.add_argument(
        "--file", type=Path, metavar="gateway.toml", help="configuration: the new one"
    )
    sign.add_argument("--base", metavar="FILE|SHA256",
                      help="configuration: what is in force there")  # fmt: skip
    sign.add_argument("--device", metavar="NAME", help="read_now: of which device")
    sign.add_argument("--point", action="append", default=[], metavar="NAME")
    sign.add_argument("--run-id", metavar="RUN", help="read_range: of which meter run")
    sign.add_argument("--from", dest="start", metavar="TIME", help="2026-12-01T08:00:00+08:00")
    sign.add_argument("--to", dest="end", metavar="TIME")
    sign.set_defaults(run=_sign)


def _new_key(parsed: argparse.Namespace) -> int:
    show(create_operator_key(parsed.out, parsed.name).vkey)
    return 0


def _sign(parsed: argparse.Namespace) -> int:
    if not 1 <= parsed.days <= MAX_DAYS:
        raise OfferError(f"--days {parsed.days}: 1 to {MAX_DAYS}")
    now_s = utc_now_ms() // 1000
    number = now_s if parsed.number is None else parsed.number
    valid_until_ms = 1000 * (now_s + parsed.days * 86_400)
    offer = Offer(
        parsed.gateway, number, parsed.kind, valid_until_ms, parsed.who, parsed.reason,
        _item(parsed),
    )  # fmt: skip
    try:
        data = sign_offer(offer, load_operator_key(parsed.key))
    except Malformed as error:
        raise OfferError(str(error)) from None
    _write(parsed.out, data)
    show(f"offer {number} to {parsed.gateway}: {parsed.kind}, {len(data)} bytes: {parsed.out}")
    return 0


def _item(parsed: argparse.Namespace) -> Body:
    match parsed.kind:
        case "configuration":
            toml = _read(_needed(parsed.file, "--file", CONFIGURATION))
            return (_base(_needed(parsed.base, "--base", CONFIGURATION)), toml)
        case "read_now":
            return (_needed(parsed.device, "--device", READ_NOW), *parsed.point)
        case "read_range":
            run = _needed(parsed.run_id, "--run-id", READ_RANGE)
            start = _needed(parsed.start, "--from", READ_RANGE)
            end = _needed(parsed.end, "--to", READ_RANGE)
            return (run, _time_ms("--from", start), _time_ms("--to", end))
        case _:
            return ()


def _base(text: str) -> bytes:
    """The hash itself, or that of a file."""
    if len(text) == 64 and all(c in "0123456789abcdef" for c in text):
        return bytes.fromhex(text)
    return hashlib.sha256(_read(Path(text))).digest()


def _time_ms(option: str, text: str) -> int:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise OfferError(f"{option}: {error}; write 2026-12-01T08:00:00+08:00") from None
    if instant.tzinfo is None:
        raise OfferError(f"{option} {text} has no offset; end it with one, +08:00, or Z for UTC")
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def _needed(value: Needed | None, option: str, kind: str) -> Needed:
    if value is None:
        raise OfferError(f"{option} is missing: --kind {kind} needs it")
    return value


def _add(store: Store, parsed: argparse.Namespace) -> str:
    gateway, number, kind = add_offer(store, _read(parsed.file), utc_now_ms)
    return f"offer {number} to {gateway}: {kind}; the gateway checks its signature"


def _list(store: Store, parsed: argparse.Namespace) -> str:
    with store.engine.connect() as conn:
        found = list_offers(conn, parsed.gateway)
    return "\n".join(
        row_of(
            one.gateway,
            one.number,
            one.kind,
            utc_text(one.valid_until_ms),
            one.state,
            one.who,
            one.detail,
        )
        for one in found
    )


def _withdraw(store: Store, parsed: argparse.Namespace) -> str:
    withdraw_offer(store, parsed.gateway, parsed.number, utc_now_ms)
    return f"offer {parsed.number} to {parsed.gateway} is withdrawn"


def _bundle(store: Store, parsed: argparse.Namespace) -> str:
    data = bundle_of(store, parsed.gateway, parsed.number)
    _write(parsed.out, data)
    return f"{len(data)} bytes, SHA-256 {hashlib.sha256(data).hexdigest()}: {parsed.out}"


def _read(path: Path) -> bytes:
    try:
        return read_regular(path, MAX_OFFER_BYTES)
    except OSError as error:
        raise OfferError(f"{path}: {error.strerror}; check the path") from None


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise OfferError(f"{path}: {error.strerror}; check its folder and disk") from None
