"""The command `edge-central`."""

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from central.clock import utc_now_ms
from central.config import ConfigErrors, load_config
from central.edit_command import Told, add_edit_commands
from central.gateway_ca import create_gateway_ca
from central.gateway_command import add_gateway_commands
from central.intake.service import Intake
from central.keys import (
    DEFAULT_NAME,
    KeyFileError,
    create_receipt_key,
    has_receipt_key,
    parcel_key,
    public_parcel_key,
    publish_order_key,
)
from central.ledger.edits import EditError
from central.ledger.gas_users import gas_faults
from central.ledger.rebuild import rebuild
from central.offer_command import add_offer_commands
from central.offers import OfferError
from central.orders import (
    Effective,
    Listed,
    OrderError,
    check_gas,
    effective_ms,
    gas_of_figures,
    gas_of_json,
    list_orders,
    order_key,
    send_gas,
    utc_text,
)
from central.parcel_import import ParcelError, import_parcel
from central.proof_command import add_proof_commands
from central.proofs.prove import ProofError
from central.proofs.publisher import publisher_keys
from central.receipt_keys import ReceiptKeyFile, load_receipt_keys, rotate_receipt_key
from central.registry import RegistryError
from central.regular_file import read_regular
from central.serve import ServeError, serve
from central.store.database import Store, StoreError, create_store, open_store
from central.terminal import Parser, fit_streams, leave_pipe, overwrite, show
from protocols.metering.request_object import MAX_BYTES

OK = 0
FINDINGS = 1
USAGE = 2
INTERRUPTED = 130  # Ctrl-C, as a shell has it

Command = Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status (1: findings; 2: the command or a file is wrong)."""
    fit_streams()
    parsed = _parser().parse_args(arguments)
    run: Command = parsed.run
    try:
        return run(parsed)
    except (
        ConfigErrors, EditError, KeyFileError, OfferError, OrderError, ParcelError, ProofError,
        RegistryError, ServeError, StoreError,
    ) as error:  # fmt: skip
        show(f"edge-central: {error}", sys.stderr)
        return USAGE
    except BrokenPipeError:
        leave_pipe()
        return OK
    except KeyboardInterrupt:
        return INTERRUPTED


def _init(parsed: argparse.Namespace) -> int:
    create_store(parsed.store).close()
    if not has_receipt_key(parsed.store):
        create_receipt_key(parsed.store, parsed.name)
    signer = load_receipt_keys(parsed.store).signer
    create_gateway_ca(parsed.store, signer.name, utc_now_ms())
    public_parcel_key(parsed.store)
    publisher_keys(parsed.store)
    _order_vkey(parsed.store)
    show(signer.vkey)
    return OK


def _receipt_key(parsed: argparse.Namespace) -> int:
    if parsed.what == "rotate":
        rotate_receipt_key(parsed.store, utc_now_ms)
    show(load_receipt_keys(parsed.store).signer.vkey)
    return OK


def _parcel_key(parsed: argparse.Namespace) -> int:
    show(str(public_parcel_key(parsed.store)))
    return OK


def _import(parsed: argparse.Namespace) -> int:
    store = open_store(parsed.store)
    intake = Intake(store, ReceiptKeyFile(parsed.store), utc_now_ms, lambda: None)
    try:
        done = import_parcel(intake, parcel_key(parsed.store), parsed.parcel, parsed.out)
    finally:
        intake.close()
        store.close()
    taken = done.uploads - done.refused
    if not done.gateway:  # nothing to answer: no file goes back
        parsed.out.unlink()
        raise ParcelError(f"{parsed.parcel}: {done.fault}; give what edge-agent export made for us")
    show(f"{done.gateway}: {taken} of {done.uploads} uploads taken; receipts: {parsed.out}")
    if done.fault is not None:
        show(f"edge-central: not read to its end: {done.fault}", sys.stderr)
    return FINDINGS if done.fault is not None or done.refused else OK


def _order_key(parsed: argparse.Namespace) -> int:
    show(_order_vkey(parsed.store))
    return OK


def _order_vkey(directory: Path) -> str:
    store = open_store(directory)
    try:
        vkey = order_key(store).vkey
        publish_order_key(directory, vkey)
        return vkey
    finally:
        store.close()


def _gas_send(parsed: argparse.Namespace) -> int:
    utc_ms = effective_ms(parsed.effective, utc_now_ms(), is_now=parsed.now)
    since = Effective(utc_ms, parsed.who)
    if parsed.composition is None:
        gas = gas_of_figures(parsed.gas, tuple(parsed.figures), since)
    else:
        gas = gas_of_json(parsed.gas, _read(parsed.composition), since)
    store = open_store(parsed.store)
    try:
        check_gas(gas)
        with store.engine.connect() as conn:
            if found := gas_faults(conn, parsed.gateway, gas):
                raise OrderError("; ".join(found))
        signer = order_key(store)
        number = send_gas(store, signer, parsed.gateway, gas, utc_now_ms, parsed.after)
    finally:
        store.close()
    show(f"order {number} to {parsed.gateway}: gas {gas.name} from {utc_text(utc_ms)}")
    return OK


def _gas_list(parsed: argparse.Namespace) -> int:
    store = open_store(parsed.store)
    try:
        for each in list_orders(store, parsed.gateway):
            show(_told(each))
    finally:
        store.close()
    return OK


def _told(order: Listed) -> str:
    return (
        f"{order.gateway}\t{order.number}\t{order.gas}\t{utc_text(order.effective_utc_ms)}\t"
        f"{order.state}\t{order.who}"
    )


def _read(path: Path) -> bytes:
    try:
        return read_regular(path, MAX_BYTES)
    except OSError as error:
        raise OrderError(f"--composition {path}: {error.strerror}; check the path") from None


def _rebuild(parsed: argparse.Namespace) -> int:
    store = open_store(parsed.store)
    try:
        done = rebuild(store, lambda count: overwrite(f"{count} batches and intervals"))
        overwrite("")
    finally:
        store.close()
    show(f"{done.intervals} intervals from {done.leaves} leaves, {done.alarms} alarms")
    return FINDINGS if done.alarms else OK


def _serve(parsed: argparse.Namespace) -> int:
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    for chatty in ("alembic", "uvicorn"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    return serve(load_config(parsed.config))


def _parser() -> argparse.ArgumentParser:
    description = "The server of the gas gateways."
    parser: argparse.ArgumentParser = Parser("edge-central", description=description)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    init = _in_store(commands.add_parser("init", help="make a store and its receipt key"), _init)
    init.add_argument("--name", default=DEFAULT_NAME, help="name of the receipt key")
    receipts = _in_store(
        commands.add_parser("receipt-key", help="print the key that receipts are checked with"),
        _receipt_key,
    )
    receipts.add_argument("what", nargs="?", choices=("show", "rotate"), default="show",
                          help="rotate: bring in a new one, signed by the old")  # fmt: skip
    _in_store(
        commands.add_parser("parcel-key", help="print the key that parcels are encrypted to"),
        _parcel_key,
    )
    _in_store(
        commands.add_parser("order-key", help="print the key that orders are checked with"),
        _order_key,
    )
    _in_store(commands.add_parser("rebuild", help="derive the ledger from the logs"), _rebuild)
    add_gateway_commands(commands, _told_store)
    taken = _in_store(commands.add_parser("import", help="take a parcel carried by hand"), _import)
    taken.add_argument("parcel", type=Path, metavar="FILE", help="of edge-agent export")
    taken.add_argument("--out", type=Path, required=True, metavar="RECEIPTS",
                       help="what goes back to the gateway")  # fmt: skip
    add_proof_commands(commands, _told_store)
    _add_gas(commands)
    add_offer_commands(commands, _told_store)
    add_edit_commands(commands, _edits_store)
    run = commands.add_parser("serve", help="take uploads and serve the pages")
    run.add_argument("--config", type=Path, required=True, metavar="central.toml")
    run.set_defaults(run=_serve)
    return parser


def _add_gas(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    gas = commands.add_parser("gas", help="gas data for gateways, with an effective time")
    of_gas = gas.add_subparsers(required=True, metavar="COMMAND")
    send = _in_store(of_gas.add_parser("send", help="sign and store an order"), _gas_send)
    send.add_argument("--gateway", required=True, metavar="GATEWAY")
    send.add_argument("--gas", required=True, metavar="NAME", help="as in its gateway.toml")
    what = send.add_mutually_exclusive_group(required=True)
    what.add_argument("--composition", type=Path, metavar="FILE.json",
                      help='{"methane": 0.965, ...}, mole fractions')  # fmt: skip
    what.add_argument("--figures", type=float, nargs=4, metavar=("HS", "D", "XCO2", "XH2"),
                      help="MJ/m3 at 25/0, relative density at 0 degC, mole fractions")  # fmt: skip
    send.add_argument("--effective", metavar="TIME", help="such as 2026-12-01T08:00:00+08:00")
    send.add_argument("--now", action="store_true",
                      help="the effective time may be over, or be left out")  # fmt: skip
    send.add_argument("--who", required=True, metavar="NAME", help="who answers for the figures")
    send.add_argument("--after", type=int, default=0, metavar="N",
                      help="after a restored backup: the last order the gateway took")  # fmt: skip
    listed = _in_store(of_gas.add_parser("list", help="orders, newest last"), _gas_list)
    listed.add_argument("--gateway", metavar="GATEWAY", help="only to this one")


def _edits_store(
    command: argparse.ArgumentParser, edit: Callable[[Store, argparse.Namespace], Told]
) -> argparse.ArgumentParser:
    def run(parsed: argparse.Namespace) -> int:
        store = open_store(parsed.store)
        try:
            told = edit(store, parsed)
        finally:
            store.close()
        show(told.text)
        return FINDINGS if told.is_finding else OK

    return _in_store(command, run)


def _told_store(
    command: argparse.ArgumentParser, act: Callable[[Store, argparse.Namespace], str]
) -> argparse.ArgumentParser:
    def run(parsed: argparse.Namespace) -> int:
        store = open_store(parsed.store)
        try:
            told = act(store, parsed)
        finally:
            store.close()
        if told:
            show(told)
        return OK

    return _in_store(command, run)


def _in_store(command: argparse.ArgumentParser, run: Command) -> argparse.ArgumentParser:
    command.add_argument("--store", type=Path, required=True, metavar="DIR")
    command.set_defaults(run=run)
    return command
