"""The real central, started for the bench as its own process on a free port."""

from __future__ import annotations

import datetime
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from protocols.evidence.note import Verifier
from simulators.certificates import make_certificates

_COMMAND = [sys.executable, "-c", "import sys; from central.cli import main; sys.exit(main())"]
_READY = re.compile(r"intake at https://127\.0\.0\.1:(\d+)")
_START_S = 30.0


class Central(NamedTuple):
    """Where it listens, the CA to pin, and the key of its receipts."""

    port: int
    ca: Path
    receipts: Verifier


@contextmanager
def running_central(directory: Path, gateway: str, vkey: str) -> Iterator[Central]:
    """A central that knows one gateway; stopped at the end."""
    certificates = make_certificates(directory, datetime.datetime.now(datetime.UTC))
    store = directory / "store"
    receipts = Verifier.from_vkey(_run("init", "--store", str(store)).strip())
    _run("gateway", "add", "--store", str(store), gateway, vkey)
    config = directory / "central.toml"
    config.write_text(
        f'[store]\ndir = "{store}"\n[intake]\nlisten = "127.0.0.1:0"\n'
        f'cert = "{certificates.cert}"\nkey = "{certificates.key}"\n'
    )
    process = subprocess.Popen(
        [*_COMMAND, "serve", "--config", str(config)], stderr=subprocess.PIPE, text=True
    )
    try:
        yield Central(_port(process), certificates.ca, receipts)
    finally:
        process.terminate()
        process.wait(10.0)


def _run(*arguments: str) -> str:
    return subprocess.run(
        [*_COMMAND, *arguments], check=True, capture_output=True, text=True, timeout=_START_S
    ).stdout


def _port(process: subprocess.Popen[str]) -> int:
    """Read central's log until it says where it listens, then keep its pipe empty."""
    timer = threading.Timer(_START_S, process.kill)
    timer.start()
    try:
        assert process.stderr is not None
        told = []
        for line in process.stderr:
            told.append(line)
            found = _READY.search(line)
            if found:
                threading.Thread(target=process.stderr.read, daemon=True).start()
                return int(found[1])
        raise RuntimeError("central did not start:\n" + "".join(told[-20:]))
    finally:
        timer.cancel()
