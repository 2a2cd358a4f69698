"""What the metrological software is: one hash over the modules that make a volume of registers.

WELMEC 7.2 and API MPMS 21.1 ask that a record can be traced to the software that made it. The hash
stands in the gateway's configuration, so that a change of software is a logged change like any
other, with the old hash and the new one; an edit at central names it too. One release has one hash
on both sides.
"""

import hashlib
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

PACKAGES: Final = ("protocols.metering", "protocols.registers")
_KINDS: Final = (".py", ".toml")


def metrological_hash() -> bytes:
    """SHA-256 over name, length and content of every module and profile, as it is installed."""
    whole = hashlib.sha256()
    for package in PACKAGES:
        for name, content in sorted(_contents(files(package), package)):
            whole.update(f"{name}\n{len(content)}\n".encode() + content)
    return whole.digest()


def _contents(folder: Traversable, path: str) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        name = f"{path}/{entry.name}"
        if entry.name.endswith(_KINDS):
            yield name, entry.read_bytes()
        elif entry.is_dir() and entry.name != "__pycache__":
            yield from _contents(entry, name)
