"""The signal, where ModemManager tells it; its command only reads. A modem is never asked itself:
its port may be in use, and an AT command of another program can break a connection."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Final, NamedTuple

ASK_S: Final = 5.0
WEAK_PERCENT: Final = 20
MAX_ANSWER: Final = 200_000
_MAX_TEXT: Final = 60


class Modem(NamedTuple):
    """`signal_percent` None where it is not known; texts as ModemManager has them."""

    state: str
    signal_percent: int | None
    technology: str
    operator: str
    failure: str


def read_modem(command: str = "mmcli") -> Modem | None:
    """The first modem; None where there is none, or nobody who tells."""
    if shutil.which(command) is None:
        return None
    try:
        done = subprocess.run(
            [command, "-m", "any", "-J"], capture_output=True, timeout=ASK_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return parse_modem(done.stdout[:MAX_ANSWER]) if done.returncode == 0 else None


def parse_modem(answer: bytes) -> Modem | None:
    """The JSON of `mmcli -m any -J`; None where it is none."""
    try:
        told = json.loads(answer)["modem"]
        generic = told["generic"]
        quality = generic.get("signal-quality", {}).get("value", "")
        technologies = generic.get("access-technologies", [])
        operator = told.get("3gpp", {}).get("operator-name", "")
        return Modem(
            _said(generic.get("state", "")),
            int(quality) if str(quality).isdigit() else None,
            ", ".join(_said(one) for one in technologies[:4]),
            _said(operator),
            _said(generic.get("state-failed-reason", "")),
        )
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def _said(text: object) -> str:
    """ModemManager writes "--" where it knows nothing."""
    return "" if text == "--" else str(text)[:_MAX_TEXT]
