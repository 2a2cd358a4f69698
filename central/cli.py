"""The command `edge-central`."""

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from central.clock import utc_now_ms
from central.config import ConfigErrors, load_config
from central.keys import (
    DEFAULT_NAME,
    KeyFileError,
    create_receipt_key,
    has_receipt_key,
    load_receipt_key,
)
from central.ledger.rebuild import rebuild
from central.registry import RegistryError, add_gateway, list_gateways
from central.serve import ServeError, serve
from central.store.database import StoreError, create_store, open_store

OK = 0
FINDINGS = 1
USAGE = 2

Command = Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status (1: findings; 2: the command or a file is wrong)."""
    parsed = _parser().parse_args(arguments)
    run: Command = parsed.run
    try:
        return run(parsed)
    except (ConfigErrors, KeyFileError, RegistryError, ServeError, StoreError) as error:
        print(f"edge-central: {error}", file=sys.stderr)
        return USAGE


def _init(parsed: argparse.Namespace) -> int:
    create_store(parsed.store).close()
    if not has_receipt_key(parsed.store):
        create_receipt_key(parsed.store, parsed.name)
    print(load_receipt_key(parsed.store).vkey)
    return OK


def _receipt_key(parsed: argparse.Namespace) -> int:
    print(load_receipt_key(parsed.store).vkey)
    return OK


def _gateway_add(parsed: argparse.Namespace) -> int:
    store = open_store(parsed.store)
    try:
        added = add_gateway(store, parsed.gateway, parsed.vkey, utc_now_ms)
    finally:
        store.close()
    print(f"{parsed.gateway} {'added' if added else 'was registered already'}")
    return OK


def _gateway_list(parsed: argparse.Namespace) -> int:
    store = open_store(parsed.store)
    try:
        for entry in list_gateways(store):
            state = f"STOPPED {entry.stopped_reason}" if entry.stopped_reason else "may upload"
            print(f"{entry.gateway}\t{entry.vkey}\t{state}")
    finally:
        store.close()
    return OK


def _rebuild(parsed: argparse.Namespace) -> int:
    store = open_store(parsed.store)
    try:
        done = rebuild(store)
    finally:
        store.close()
    print(f"{done.intervals} intervals from {done.leaves} leaves, {done.alarms} alarms")
    return FINDINGS if done.alarms else OK


def _serve(parsed: argparse.Namespace) -> int:
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    for chatty in ("alembic", "uvicorn"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    return serve(load_config(parsed.config))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("edge-central", description="The server of the gas gateways.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    init = _in_store(commands.add_parser("init", help="make a store and its receipt key"), _init)
    init.add_argument("--name", default=DEFAULT_NAME, help="name of the receipt key")
    _in_store(
        commands.add_parser("receipt-key", help="print the key that receipts are checked with"),
        _receipt_key,
    )
    _in_store(commands.add_parser("rebuild", help="derive the ledger from the logs"), _rebuild)
    gateways = commands.add_parser("gateway", help="who may upload")
    of_gateway = gateways.add_subparsers(required=True, metavar="COMMAND")
    add = _in_store(of_gateway.add_parser("add", help="let a gateway upload"), _gateway_add)
    add.add_argument("gateway", metavar="GATEWAY")
    add.add_argument("vkey", metavar="VKEY", help="what edge-agent key show prints")
    _in_store(of_gateway.add_parser("list", help="gateways and their keys"), _gateway_list)
    run = commands.add_parser("serve", help="take uploads and serve the pages")
    run.add_argument("--config", type=Path, required=True, metavar="central.toml")
    run.set_defaults(run=_serve)
    return parser


def _in_store(command: argparse.ArgumentParser, run: Command) -> argparse.ArgumentParser:
    command.add_argument("--store", type=Path, required=True, metavar="DIR")
    command.set_defaults(run=run)
    return command
