"""What an export holds, as a note that the publisher signed: so that nothing is left out unseen.

    gas-export/v1
    gateway <id>
    from <UTC ms>
    to <UTC ms>
    time <s since 1970>
    explained <number of proven leaves of before the range>
    daily <number of daily checkpoints that hold a state of these logs>
    log <origin> <first> <size> <uploads> <- | base64 of the frontier before first>   one a part

A part is a row of uploads without a gap, in `logs/<log>-<epoch>-<first>.uploads`, each behind its
length (4 bytes, the highest first); their checkpoints with receipts stand in `.checkpoints`.
"""

import base64
from typing import Final, NamedTuple

from protocols.evidence.errors import BadSignature, Malformed
from protocols.evidence.leaf import Origin, is_gateway_id, parse_decimal, parse_origin
from protocols.evidence.merkle import MAX_SIZE, Frontier
from protocols.evidence.note import Signer, Verifier, decode_base64
from protocols.evidence.tree_head import read_signature, signature_line, split_signed

MAX_PARTS: Final = 1024
MAX_EXPLAINED: Final = 4096
MAX_DAILY: Final = 4096
MAX_EXPORT_BYTES: Final = 4 * 1024 * 1024
_TITLE: Final = "gas-export/v1"
_HEAD: Final = ("gateway", "from", "to", "time", "explained", "daily")
_SIGNATURE_BYTES: Final = 64


class Part(NamedTuple):
    """Consecutive uploads of one log: leaves ``frontier.size`` .. ``size`` - 1."""

    origin: Origin
    frontier: Frontier
    size: int
    uploads: int

    @property
    def name(self) -> str:
        """The part's files, without their endings."""
        return f"{self.origin.log.value}-{self.origin.epoch}-{self.frontier.size}"


class Export(NamedTuple):
    """What is in an export; instants in UTC ms, ``time_s`` when it was made."""

    gateway: str
    from_ms: int
    to_ms: int
    time_s: int
    explained: int
    daily: int
    parts: tuple[Part, ...]


def sign_export(export: Export, signer: Signer) -> bytes:
    """Central: return the note. Raises Malformed for what could not be read again."""
    text = _text(export)
    note = text + b"\n" + signature_line(signer.name, signer.verifier.key_id, signer.sign(text))
    if len(note) > MAX_EXPORT_BYTES:
        raise Malformed(f"export: {len(export.parts)} parts are too many; export a shorter range")
    return note


def open_export(note: bytes, publisher: Verifier) -> Export:
    """Verify and read the note; raise Malformed or BadSignature."""
    text, (line,) = split_signed(note, 1, MAX_EXPORT_BYTES)
    signature = read_signature(line, publisher.name, publisher.key_id, _SIGNATURE_BYTES)
    publisher.verify(text, signature)
    export = _read(text)
    if _text(export) != text:
        raise Malformed("export: not its one spelling")
    return export


def _read(text: bytes) -> Export:
    try:
        title, *lines = text.decode("ascii").split("\n")[:-1]
    except UnicodeDecodeError:
        raise Malformed("export: not ASCII") from None
    if title != _TITLE or len(lines) < len(_HEAD):
        raise Malformed(f"export: not the lines of {_TITLE}")
    values = []
    for name, line in zip(_HEAD, lines, strict=False):
        found, _, value = line.partition(" ")
        if found != name:
            raise Malformed(f"export: a line {name} belongs where {line[:40]!r} is")
        values.append(value)
    from_ms, to_ms, time_s, explained, daily = (parse_decimal(one, "export") for one in values[1:])
    if not is_gateway_id(values[0]):
        raise Malformed(f"export: bad gateway id {values[0][:80]!r}")
    parts = tuple(_part(line) for line in lines[len(_HEAD) :])
    return Export(values[0], from_ms, to_ms, time_s, explained, daily, parts)


def _part(line: str) -> Part:
    fields = line.split(" ")
    if len(fields) != 6 or fields[0] != "log":
        raise Malformed(f"export: not a part: {line[:80]!r}")
    first, size, uploads = (parse_decimal(field, "export: part") for field in fields[2:5])
    hashes = b"" if fields[5] == "-" else decode_base64(fields[5], "export: frontier")
    return Part(parse_origin(fields[1]), Frontier.from_bytes(first, hashes), size, uploads)


def _text(export: Export) -> bytes:
    if len(export.parts) > MAX_PARTS or not 0 <= export.explained <= MAX_EXPLAINED:
        raise Malformed(f"export: more than {MAX_PARTS} parts or {MAX_EXPLAINED} explained leaves")
    if not 0 <= export.daily <= MAX_DAILY:
        raise Malformed(f"export: more than {MAX_DAILY} daily checkpoints")
    for part in export.parts:
        if not (part.frontier.size < part.size <= MAX_SIZE and part.uploads > 0):
            raise Malformed(f"export: {part.origin}: no leaves from {part.frontier.size}")
        if part.origin.gateway != export.gateway:
            raise BadSignature(f"export of {export.gateway}: a log of {part.origin.gateway}")
    lines = [_TITLE]
    lines += [f"{name} {value}" for name, value in zip(_HEAD, export, strict=False)]
    for part in export.parts:
        hashes = base64.b64encode(part.frontier.to_bytes()).decode("ascii") or "-"
        before = part.frontier.size
        lines.append(f"log {part.origin} {before} {part.size} {part.uploads} {hashes}")
    return ("\n".join(lines) + "\n").encode("ascii")
