"""What central's own metrological software is, told as a gateway tells its own.

Both hash name, length and content of every module and profile that makes a volume of registers: the
same release has the same hash on both sides (a test compares them).
"""

import hashlib
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

PACKAGES: Final = ("protocols.metering", "protocols.registers")
_ENDINGS: Final = (".py", ".toml")


def metrological_hash() -> bytes:
    """SHA-256 over the modules as they are installed."""
    whole = hashlib.sha256()
    for package in PACKAGES:
        for name, content in sorted(_contents(files(package), package)):
            whole.update(f"{name}\n{len(content)}\n".encode() + content)
    return whole.digest()


def _contents(folder: Traversable, path: str) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        name = f"{path}/{entry.name}"
        if entry.name.endswith(_ENDINGS):
            yield name, entry.read_bytes()
        elif entry.is_dir() and entry.name != "__pycache__":
            yield from _contents(entry, name)
