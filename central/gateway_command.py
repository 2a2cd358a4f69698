"""`edge-central gateway`: who may upload, with which key, and every decision of an operator on it.

Names are claims, and kept with each act; `gateway acts` shows them all.
"""

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from central.alarm_command import alarms_text
from central.ca_file import der, load_ca
from central.clock import utc_now_ms
from central.enrol_decisions import Pins, approve, make_token, refuse, waiting
from central.gateway_ca import load_gateway_ca
from central.key_spans import acts, load_schedule
from central.orders import utc_text
from central.receipt_keys import load_receipt_keys
from central.registry import (
    Entry,
    RegistryError,
    Who,
    add_gateway,
    list_gateways,
    parse_end,
    restore_keys,
    resume,
    revoke,
)
from central.regular_file import read_regular
from central.store.database import Store
from central.terminal import row_of
from protocols.evidence.enrol_token import ca_pin, receipt_pin
from protocols.evidence.keys import MAX_TEXT_BYTES, key_fingerprint
from protocols.evidence.leaf import Log

Act = Callable[[Store, argparse.Namespace], str]
Commands = Callable[[argparse.ArgumentParser, Act], argparse.ArgumentParser]
MAX_ACTS: Final = 1000


class _Help(NamedTuple):
    """One command: its name and its line in the help."""

    name: str
    text: str


def add_gateway_commands(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", in_store: Commands
) -> None:
    """Make the parsers; `in_store` gives each its --store and runs it."""
    parser = commands.add_parser("gateway", help="who may upload")
    group = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, text: str, run: Act) -> argparse.ArgumentParser:
        return in_store(group.add_parser(name, help=text), run)

    add = command("add", "let a gateway upload, by its key or by a one-time token", _add)
    add.add_argument("gateway", metavar="GATEWAY")
    add.add_argument("vkey", metavar="VKEY", nargs="?", help="what edge-agent key show prints")
    add.add_argument("--token", action="store_true", help="print a token for edge-agent enroll")
    add.add_argument("--ca", type=Path, metavar="FILE",
                     help="with --token: the CA of central's certificate, PEM")  # fmt: skip
    add.add_argument("--serial", default="", metavar="S", help="only for the machine with this one")
    _who(add, is_required=False)
    for name, text, run in (
        ("approve", "let the gateway with this fingerprint in", _approve),
        ("refuse", "say no to a request", _refuse),
    ):
        decided = command(name, text, run)
        decided.add_argument("gateway", metavar="GATEWAY")
        decided.add_argument("fingerprint", metavar="FINGERPRINT", help="as the gateway shows it")
        _who(decided)
    revoked = command("revoke", "let its keys sign nothing more than is held now", _revoke)
    revoked.add_argument("gateway", metavar="GATEWAY")
    revoked.add_argument("--key", metavar="VKEY", help="only this key")
    revoked.add_argument("--at-size", action="append", default=[], metavar="LOG:EPOCH:N",
                         help="valid up to this size instead; may be repeated")  # fmt: skip
    _who(revoked)
    resumed = command("resume", "let a stopped gateway upload again", _resume)
    resumed.add_argument("gateway", metavar="GATEWAY")
    _who(resumed)
    keys = command("keys", "its keys with their places; --restore: after a restored backup", _keys)
    keys.add_argument("gateway", metavar="GATEWAY")
    keys.add_argument("--restore", type=Path, metavar="FILE",
                      help="keys that came since: log.keys of the gateway's state")  # fmt: skip
    _who(keys, is_required=False)
    command("list", "gateways with their state and keys, and requests that wait", _list)
    alarms = command("alarms", "what the intake found wrong, oldest first", alarms_text)
    alarms.add_argument("gateway", metavar="GATEWAY", nargs="?")
    alarms.add_argument("--out", type=Path, metavar="DIR", help="write the evidence there too")
    told = command("acts", "who decided what, oldest first", _acts)
    told.add_argument("gateway", metavar="GATEWAY", nargs="?")


def _who(parser: argparse.ArgumentParser, *, is_required: bool = True) -> None:
    parser.add_argument("--who", required=is_required, default=f"uid {os.getuid()}",
                        metavar="NAME", help="who decides")  # fmt: skip
    parser.add_argument("--reason", required=is_required, default="", metavar="TEXT", help="why")


def _of(parsed: argparse.Namespace) -> Who:
    return Who(parsed.who, parsed.reason)


def _add(store: Store, parsed: argparse.Namespace) -> str:
    if not parsed.token:
        if parsed.vkey is None:
            raise RegistryError("give VKEY, from edge-agent key show, or --token")
        added = add_gateway(store, parsed.gateway, parsed.vkey, utc_now_ms, _of(parsed))
        return f"{parsed.gateway} {'added' if added else 'was registered already'}"
    if parsed.vkey is not None or parsed.ca is None:
        raise RegistryError("--token needs --ca FILE and no VKEY: the gateway makes its keys")
    receipts = load_receipt_keys(store.directory).signer.vkey
    pins = Pins(ca_pin(der(load_ca(parsed.ca))), receipt_pin(receipts))
    token = make_token(store, parsed.gateway, parsed.serial, pins, utc_now_ms, _of(parsed))
    return token.to_text()


def _approve(store: Store, parsed: argparse.Namespace) -> str:
    authority = load_gateway_ca(store.directory)
    epoch = approve(store, parsed.gateway, parsed.fingerprint, authority, utc_now_ms, _of(parsed))
    since = f", from epoch {epoch} on" if epoch else ""
    return f"{parsed.gateway} approved{since}"


def _refuse(store: Store, parsed: argparse.Namespace) -> str:
    refuse(store, parsed.gateway, parsed.fingerprint, utc_now_ms, _of(parsed))
    return f"{parsed.gateway} refused"


def _revoke(store: Store, parsed: argparse.Namespace) -> str:
    ends = dict(parse_end(text) for text in parsed.at_size)
    schedule = revoke(store, parsed.gateway, ends, utc_now_ms, _of(parsed), parsed.key)
    told = []
    for log in Log:
        for span in schedule.spans(log):
            if span.until is not None and parsed.key in (None, span.vkey):
                epoch, size = span.until
                told.append(f"{log.value}: valid up to epoch {epoch}, size {size}: {span.vkey}")
    return "\n".join(told)


def _resume(store: Store, parsed: argparse.Namespace) -> str:
    reason = resume(store, parsed.gateway, utc_now_ms, _of(parsed))
    return f"{parsed.gateway} may upload again; it was stopped: {reason}"


def _keys(store: Store, parsed: argparse.Namespace) -> str:
    if parsed.restore is not None:
        try:
            text = read_regular(parsed.restore, MAX_TEXT_BYTES).decode("ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise RegistryError(f"{parsed.restore}: {error}; check the path") from None
        restore_keys(store, parsed.gateway, text, utc_now_ms, _of(parsed))
    with store.engine.connect() as conn:
        schedule = load_schedule(conn, parsed.gateway)
    if schedule is None:
        raise RegistryError(f"{parsed.gateway} is not registered; see edge-central gateway list")
    return schedule.to_text().removesuffix("\n")


def _list(store: Store, _: argparse.Namespace) -> str:
    lines = [_line(entry) for entry in list_gateways(store)]
    with store.engine.connect() as conn:
        for one in waiting(conn):
            replaces = f"\treplaces {one.replaces}" if one.replaces else ""
            lines.append(
                f"{one.gateway}\tWAITS for approval\t{one.fingerprint}\tserial {one.serial}\t"
                f"asked {utc_text(one.asked_ms)}{replaces}"
            )
    return "\n".join(lines)


def _line(entry: Entry) -> str:
    last = "never" if entry.last_ms is None else utc_text(entry.last_ms)
    older = len(entry.schedule.vkeys()) - 1
    keys = f"{entry.vkey}" + (f" and {older} before" if older else "")
    shown = key_fingerprint(entry.vkey)
    return f"{entry.gateway}\t{keys}\t{entry.state}\tlast upload {last}\tfingerprint {shown}"


def _acts(store: Store, parsed: argparse.Namespace) -> str:
    with store.engine.connect() as conn:
        kept = acts(conn, parsed.gateway, MAX_ACTS)
    return "\n".join(
        row_of(utc_text(one.at_ms), one.gateway, one.act, one.who, one.reason, one.detail)
        for one in kept
    )
