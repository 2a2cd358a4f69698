"""`edge-central prove`, `export`, `daily-checkpoint` and `publisher`."""

import argparse
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from central.clock import utc_now_ms
from central.proofs.days import utc_day
from central.proofs.export import write_export
from central.proofs.export_scope import Scope
from central.proofs.fleet import daily_files, make_daily, read_daily
from central.proofs.prove import Place, ProofError, interval_at, newest_epoch, proof_files
from central.proofs.published import published_keys
from central.proofs.publisher import publisher_keys
from central.store.database import Store
from protocols.evidence.leaf import Log, Origin

Act = Callable[[Store, argparse.Namespace], str]
InStore = Callable[[argparse.ArgumentParser, Act], argparse.ArgumentParser]
LONG: Final = 100
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def add_proof_commands(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", in_store: InStore
) -> None:
    """Their arguments; ``in_store`` adds --store, opens it, and prints what the act returns."""
    prove = in_store(commands.add_parser("prove", help="one record with its proof"), _prove)
    prove.add_argument("--gateway", required=True, metavar="G")
    which = prove.add_mutually_exclusive_group(required=True)
    which.add_argument("--seq", type=int, metavar="N", help="a leaf of the log named by --log")
    which.add_argument(
        "--run", metavar="R", dest="meter_run", help="the interval of a run at the time --at"
    )
    prove.add_argument("--log", choices=[log.value for log in Log], default=Log.BILLING.value)
    prove.add_argument("--epoch", type=int, metavar="E", help="the newest where none is given")
    prove.add_argument("--at", type=_instant, metavar="TIME", help="such as 2026-12-01T08:00+08:00")
    prove.add_argument("--out", type=Path, required=True, metavar="DIR", help="new or empty")
    export = in_store(commands.add_parser("export", help="logs with all that checks them"), _export)
    export.add_argument("--gateway", required=True, metavar="G")
    export.add_argument("--from", type=_instant, metavar="TIME", dest="begin", default=0,
                        help="from the first record where none is given")  # fmt: skip
    export.add_argument("--to", type=_instant, metavar="TIME", dest="end",
                        help="up to now where none is given")  # fmt: skip
    export.add_argument("--out", type=Path, required=True, metavar="DIR", help="new or empty")
    daily = in_store(
        commands.add_parser("daily-checkpoint", help="one signed head over all gateways"), _daily
    )
    daily.add_argument("--day", type=_day, metavar="YYYY-MM-DD", help="an earlier one, to read")
    daily.add_argument("--gateway", metavar="G", help="write what proves this one to be in it")
    daily.add_argument("--log", choices=[log.value for log in Log], default=Log.BILLING.value)
    daily.add_argument("--out", type=Path, metavar="DIR", help="new or empty; with --gateway")
    in_store(
        commands.add_parser("publisher", help="print the fingerprint that customers compare"),
        _publisher,
    )


def _prove(store: Store, parsed: argparse.Namespace) -> str:
    place = _place(store, parsed)
    keys = published_keys(store, publisher_keys(store.directory), parsed.gateway, _now_s())
    _write(parsed.out, proof_files(store, place, keys))
    return f"leaf {place.seq} of {place.origin}: edge-agent verify {parsed.out}"


def _place(store: Store, parsed: argparse.Namespace) -> Place:
    with store.engine.connect() as conn:
        if parsed.meter_run is not None:
            if parsed.at is None:
                raise ProofError("--run needs --at, such as 2026-12-01T08:00:00+08:00")
            return interval_at(conn, parsed.gateway, parsed.meter_run, parsed.at)
        log = Log(parsed.log)
        if parsed.epoch is None:
            epoch = newest_epoch(conn, parsed.gateway, log)
        else:
            epoch = parsed.epoch
    return Place(Origin(parsed.gateway, log, epoch), parsed.seq)


def _export(store: Store, parsed: argparse.Namespace) -> str:
    now_ms = utc_now_ms()
    end = now_ms if parsed.end is None else parsed.end
    if not parsed.begin < end:
        raise ProofError("--from must lie before --to")
    scope = Scope(parsed.gateway, parsed.begin, end, now_ms // 1000)
    keys = publisher_keys(store.directory)
    try:
        made = write_export(store, keys, scope, parsed.out, _progress)
    except OSError as error:
        raise ProofError(f"{error.filename}: {error.strerror}; choose another --out") from None
    told = f"{made.uploads} uploads, {made.size_bytes} bytes"
    return f"{told}, {made.export.explained} leaves of before: edge-agent verify {parsed.out}"


def _progress(done: int, uploads: int) -> None:
    """A line each tenth of a long export."""
    if uploads >= LONG and done * 10 // uploads > (done - 1) * 10 // uploads:
        sys.stderr.write(f"{done} of {uploads} uploads\n")


def _daily(store: Store, parsed: argparse.Namespace) -> str:
    if (parsed.gateway is None) != (parsed.out is None):
        raise ProofError("--gateway and --out belong together")
    keys = publisher_keys(store.directory)
    if parsed.day is None:
        now_s = _now_s()
        daily = make_daily(store, keys, utc_day(now_s), now_s)
    else:
        daily = read_daily(store.directory, parsed.day)
    if parsed.gateway is None:
        return daily.note.decode("utf-8").rstrip("\n")
    log = Log(parsed.log)
    with store.engine.connect() as conn:
        origin = Origin(parsed.gateway, log, newest_epoch(conn, parsed.gateway, log))
    _write(parsed.out, daily_files(store, keys, daily, origin))
    return f"{origin} in the checkpoint of {daily.day}: edge-agent verify {parsed.out}"


def _publisher(store: Store, _parsed: argparse.Namespace) -> str:
    public = publisher_keys(store.directory).public
    return f"{public.fingerprint}\n{public.verifier.vkey}\n{public.fleet.vkey}"


def _write(out: Path, files: dict[str, bytes]) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        if any(out.iterdir()):
            raise ProofError(f"{out}: not empty; name a new folder")
        for name, data in files.items():
            (out / name).write_bytes(data)
    except OSError as error:
        raise ProofError(f"{error.filename}: {error.strerror}; choose another --out") from None


def _now_s() -> int:
    return utc_now_ms() // 1000


def _instant(text: str) -> int:
    """UTC ms of an ISO 8601 instant with an offset."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{error}; write 2026-12-01T08:00:00+08:00") from None
    if instant.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text} has no offset; end it with +08:00, or Z for UTC")
    return round((instant - _EPOCH).total_seconds() * 1000)


def _day(text: str) -> str:
    try:
        return f"{date.fromisoformat(text):%Y-%m-%d}"
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{error}; write 2026-12-01") from None
