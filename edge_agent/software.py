"""What the metrological software is: one hash over the modules that make a volume of registers.

WELMEC 7.2 and API MPMS 21.1 ask that a record can be traced to the software that made it. The hash
stands in the gateway's configuration, so that a change of software is a logged change like any
other, with the old hash and the new one.
"""

from __future__ import annotations

import hashlib
from importlib.resources import files
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

PACKAGES: Final = ("protocols.metering", "protocols.registers")
_KINDS: Final = (".py", ".toml")


def metrological_hash() -> str:
    """SHA-256, in hex, over name and content of every module and profile that is involved."""
    found = hashlib.sha256()
    for package in PACKAGES:
        for name, entry in sorted(_modules(files(package), package)):
            content = entry.read_bytes()
            found.update(f"{name}\n{len(content)}\n".encode())
            found.update(content)
    return found.hexdigest()


def _modules(folder: Traversable, name: str) -> list[tuple[str, Traversable]]:
    found = []
    for entry in folder.iterdir():
        if entry.is_dir() and entry.name != "__pycache__":
            found += _modules(entry, f"{name}/{entry.name}")
        elif entry.name.endswith(_KINDS):
            found.append((f"{name}/{entry.name}", entry))
    return found
