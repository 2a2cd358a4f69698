#!/usr/bin/env python3
"""Check one proven gas reading. Trusts nothing but SHA-256 and Ed25519; reads no network, no clock.

    python3 gas_verify.py FOLDER | FILE.zip [PUBLISHER-FINGERPRINT]

Needs Python 3.10 and the package `cryptography`. Exit status: 0 proven, 1 not, 2 not readable.
Formats: RFC 8949 4.2.1 (CBOR), RFC 6962 (hashes), RFC 9162 2.1.3.2 (path), C2SP signed-note,
tlog-checkpoint, tlog-cosignature (Ed25519), tlog-proof@v1; `gas-keys/v1` as written below.
"""

import base64
import hashlib
import re
import struct
import sys
import zipfile
import zlib
from fractions import Fraction
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

KINDS = "SCAN INTERVAL EVENT CONFIGURATION REGISTER_MAP CLOCK KEY LOSS ARCHIVE EPOCH STATEMENT"
FAULTS = (InvalidSignature, LookupError, TypeError, ValueError, ArithmeticError, RecursionError)
GRACE_S = 86_400  # a running server is told late of a new receipt key
MAX_BYTES, CLOCK = 4_000_000, ("unknown", "not synchronised", "synchronised")
PROOFS = {"leaf": "proof.tlog-proof"} | {n: f"{n}.tlog-proof" for n in ("configuration", "map")}
FLOATS = {"f32": (">I", ">f"), "f64": (">Q", ">d")}  # they travel as their bit pattern
INTERVAL = {  # position in the body: name, power of ten, unit
    10: "line_volume_main -6 m3", 11: "line_volume_error -6 m3", 12: "line_volume_reverse -6 m3",
    13: "base_volume_main -6 m3", 14: "base_volume_error -6 m3", 15: "pressure_absolute -4 kPa",
    16: "temperature -3 K", 17: "compression_factor_Z -9 -", 18: "conversion_factor_C -9 -",
    20: "heating_value -6 MJ/m3", 21: "flow_time -3 s",
}  # fmt: skip


def need(is_so: bool, why: str) -> None:
    if not is_so:
        raise ValueError(why)


def number(text: str) -> int:
    need(re.fullmatch(r"0|[1-9][0-9]{0,18}", text, re.ASCII) is not None, f"not a number: {text!r}")
    return int(text)


def base64_of(text: str) -> bytes:
    data = base64.b64decode(text.encode("ascii"), validate=True)
    need(base64.b64encode(data).decode() == text, "base64 of another spelling")
    return data


class Key:
    """A C2SP verifier key: <name>+<id>+<base64 of type and key>."""

    def __init__(self, vkey: str, kind: int) -> None:
        self.vkey = vkey
        parts = vkey.split("+", 2)
        need(len(parts) == 3 and re.fullmatch(r"[!-*,-~]{1,128}", parts[0]) is not None, "no key")
        data = base64_of(parts[2])
        need(data[:1] == bytes([kind]) and len(data) == (1313 if kind == 6 else 33), "other key")
        self.name, self.public = parts[0], data[1:]
        self.id = hashlib.sha256(self.name.encode() + b"\n" + data).digest()[:4]
        need(self.id.hex() == parts[1], f"the id of key {self.name} is not its own")

    def signature(self, line: str, size: int) -> bytes:
        parts = line.split(" ")
        need(len(parts) == 3 and parts[0] == "—" and parts[1] == self.name, "signed by another")
        data = base64_of(parts[2])
        need(data[:4] == self.id and len(data) == 4 + size, "signed by another key")
        return data[4:]

    def verify(self, text: bytes, signature: bytes) -> None:
        Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text)


def split_note(note: bytes, count: int) -> tuple[bytes, list[str]]:
    """Text and signature lines of a signed note."""
    need(not any(byte < 32 and byte != 10 for byte in note), "a control character in a note")
    at = note.rfind(b"\n\n")
    need(at >= 0 and note.endswith(b"\n"), "a note without signature lines")
    lines = note[at + 2 : -1].decode("utf-8").split("\n")
    need(len(lines) == count, f"{len(lines)} signature lines, not {count}")
    return note[: at + 1], lines


class Keys:
    """keys.txt: publisher, receipt keys with the times of their changes, the gateway's log keys."""

    def __init__(self, note: bytes) -> None:
        text, (line,) = split_note(note, 1)
        head, found, spans = text.decode("ascii").partition("\ngas-log-keys/v1\n")
        lines = head.split("\n")
        need(bool(found) and lines[0] == "gas-keys/v1" and len(lines) >= 5, "not published keys")
        names = ["publisher", "fleet", "time", "receipt"] + ["succession"] * (len(lines) - 5)
        need([one.partition(" ")[0] for one in lines[1:]] == names, "keys out of order")
        values = [one.partition(" ")[2] for one in lines[1:]]
        publisher, fleet = Key(values[0], 1), Key(values[1], 6)
        publisher.verify(text, publisher.signature(line, 64))
        self.fingerprint = hashlib.sha256(f"{publisher.vkey}\n{fleet.vkey}\n".encode()).hexdigest()
        self.receipts = [(Key(values[3], 4), 0)]
        for at, encoded in enumerate(values[4:], 1):
            self.receipts.append(self.succession(base64_of(encoded), at))
        self.spans: dict[str, list[tuple[tuple[int, int], str, Key]]] = {}
        for row in spans[:-1].split("\n"):
            fields = row.split(" ")
            need(len(fields) == 5 and fields[0] in ("billing", "telemetry"), "not a key's span")
            begin = number(fields[1]), number(fields[2])
            self.spans.setdefault(fields[0], []).append((begin, fields[3], Key(fields[4], 1)))

    def succession(self, note: bytes, at: int) -> tuple[Key, int]:
        text, signatures = split_note(note, 2)
        lines = text.decode("ascii").split("\n")
        need(len(lines) == 6 and lines[0] == "gas-receipt-key/v1", "not a change of receipt key")
        old, new = self.receipts[-1][0], Key(lines[3], 4)
        need(number(lines[1]) == at and lines[2] == old.vkey, "receipt keys out of order")
        for key, line in zip((old, new), signatures, strict=True):
            key.verify(text, key.signature(line, 64))
        return new, number(lines[4])

    def log_key(self, log: str, epoch: int, size: int) -> Key:
        held = [span for span in self.spans.get(log, []) if span[0] < (epoch, size)]
        need(bool(held), f"no key of {log} is valid at epoch {epoch}, size {size}")
        _, end, key = held[-1]
        until = (epoch, size) if end == "-" else tuple(map(number, end.split("/")))
        need((epoch, size) <= until, f"the key is revoked beyond {end}")
        return key

    def receipt_time(self, text: bytes, line: str) -> int:
        ends = [begin for _, begin in self.receipts[1:]] + [1 << 62]
        for (key, begin), end in zip(self.receipts, ends, strict=True):
            if f" {key.name} {base64.b64encode(key.id[:3]).decode()}" in line:
                data = key.signature(line, 72)
                time_s = int.from_bytes(data[:8], "big")
                key.verify(b"cosignature/v1\ntime %d\n" % time_s + text, data[8:])
                need(begin - GRACE_S <= time_s <= end + GRACE_S, "receipt of a key not in force")
                return time_s
        raise ValueError("a receipt by none of the published keys")


def cbor(data: bytes, at: int, depth: int) -> tuple[Any, int]:
    """One item of the subset, each head in its shortest form, and where the next one begins."""
    need(at < len(data) and depth < 9, "CBOR: ends too early or too deep")
    major, short, at = data[at] >> 5, data[at] & 31, at + 1
    if data[at - 1] == 0xF6:
        return None, at
    need(major <= 4 and short <= 27, "CBOR: of another kind")
    value = short
    if short >= 24:
        size = 1 << (short - 24)
        value, at = int.from_bytes(data[at : at + size], "big"), at + size
        need(value >= (24 if size == 1 else 1 << (4 * size)), "CBOR: not the shortest")
    if major < 2:
        return (value if major == 0 else -1 - value), at
    if major == 4:
        items = []
        for _ in range(value):
            item, at = cbor(data, at, depth + 1)
            items.append(item)
        return items, at
    chunk = data[at : at + value]
    need(len(chunk) == value, "CBOR: ends too early")
    return chunk if major == 2 else chunk.decode("utf-8"), at + value


def check(files: dict[str, bytes], name: str, keys: Keys) -> tuple[list[Any], int]:
    """One leaf and its proof: the leaf's fields, and when central had it (UTC s)."""
    data, proof = files[f"{name}.cbor"], files[PROOFS[name]]
    leaf, end = cbor(data, 0, 0)
    need(end == len(data) and len(leaf) == 15 and leaf[0] == 1, "not a leaf of format 1")
    need(leaf[1] in range(len(KINDS.split())), "a leaf of an unknown kind")
    ends = [1]  # of the fields: the thirteenth is the body
    while len(ends) < 14:
        ends.append(cbor(data, ends[-1], 1)[1])
    named = hashlib.sha256(data[ends[12] : ends[13]]).digest() == leaf[6]
    need(name == "leaf" or named, f"the {name} does not have the hash that it is named by")
    lines = proof.partition(b"\n\n")[0].decode("ascii").split("\n")
    need(lines[0] == "c2sp.org/tlog-proof@v1" and lines[1][:6] == "index ", "not a proof")
    index, path = number(lines[1][6:]), [base64_of(line) for line in lines[2:]]
    text, signatures = split_note(proof.partition(b"\n\n")[2], 2)
    rows, log = text.decode("ascii").split("\n"), "telemetry" if leaf[1] == 0 else "billing"
    its_log = rows[0] == f"gas-evidence/{leaf[2]}/{log}/{leaf[3]}" and len(rows) == 4
    need(its_log and index == leaf[4], "a proof of another leaf")
    size, root = number(rows[1]), base64_of(rows[2])
    node, at, last = hashlib.sha256(b"\0" + data).digest(), index, size - 1
    need(index < size and {len(one) for one in path} <= {32}, "a path of another tree")
    for sibling in path:
        need(last > 0, "a path that is too long")
        if at & 1 or at == last:
            node = hashlib.sha256(b"\1" + sibling + node).digest()
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            node = hashlib.sha256(b"\1" + node + sibling).digest()
        at, last = at >> 1, last >> 1
    need(last == 0 and node == root, "the leaf is not in the signed tree")
    key = keys.log_key(log, leaf[3], size)
    need(key.name == leaf[2], "the keys are another gateway's")
    key.verify(text, key.signature(signatures[0], 64))
    return leaf, keys.receipt_time(text, signatures[1])


def show_scan(leaf: list[Any], points: list[Any]) -> list[str]:
    """Each point's value: raw x scale, times what its factor point says."""
    rows = {point[0]: (point, raw) for point, raw in zip(points, leaf[12], strict=True)}

    def value_of(name: str) -> Any:
        point, raw = rows[name]
        if raw is None or raw in point[8] or (point[12] and raw not in [v[0] for v in point[12]]):
            return None
        if point[3] in FLOATS:
            raw = struct.unpack(FLOATS[point[3]][1], struct.pack(FLOATS[point[3]][0], raw))[0]
        elif point[3].startswith("bcd"):
            raw = int(f"{raw:x}") if f"{raw:x}".isdigit() else float("nan")
        factor = value_of(point[15]) if point[15] else 1
        if factor is None or raw - raw != 0:  # infinity and NaN are no value
            return None
        if point[14] in ("decimals", "exponent"):
            factor = Fraction(10) ** int(-factor if point[14] == "decimals" else factor)
        return Fraction(raw) * Fraction(point[6]) * factor

    lines = []
    for name, (point, raw) in rows.items():
        value, units = value_of(name), dict(map(tuple, point[17]))
        unit = units.get(value_of(point[16]), "?") if point[16] else point[5]
        shown = "-" if value is None else f"{float(value):.15g}"
        lines.append(f"  {name} = {shown} {unit}   (raw {raw})")
    return lines


def show(proven: dict[str, list[Any]]) -> list[str]:
    """What the leaf says; what explains it must be what the leaf names by its hash."""
    leaf = proven["leaf"]
    lines = [f"{KINDS.split()[leaf[1]]} of {leaf[5] or leaf[2]}, leaf {leaf[4]}, UTC ms {leaf[9]}"]
    lines += [f"  boot {leaf[7]}, {leaf[8]} ms after it; clock {CLOCK[leaf[10]]}"]
    config, map_ = proven.get("configuration"), proven.get("map")
    if leaf[1] == 0 and map_ is not None:
        need(map_[6] == leaf[6] and map_[1] == 4, "the register map is not the leaf's")
        return lines + show_scan(leaf, map_[12][2])
    if leaf[1] != 1:
        return [*lines, f"  {leaf[12]!r}"]
    scale = {}
    if config is not None:
        need(config[6] == leaf[6] and config[1] == 3, "the configuration is not the leaf's")
        scale = {one[0]: config[12][3 if one[1][:4] == "line" else 4] for one in config[12][2]}
    for total in leaf[12][9]:
        unit = f"x 10^{scale[total[0]]} m3" if total[0] in scale else "counts"
        lines.append(f"  index {total[0]}: {total[2]} to {total[3]} {unit}")
    for at, row in INTERVAL.items():
        name, power, unit = row.split()
        lines.append(f"  {name} = {float(leaf[12][at] * Fraction(10) ** int(power)):.15g} {unit}")
    return lines


def read(place: Path) -> dict[str, bytes]:
    names = ["keys.txt", *PROOFS.values(), *(f"{name}.cbor" for name in PROOFS)]
    if place.is_dir():
        return {n: (place / n).read_bytes()[:MAX_BYTES] for n in names if (place / n).is_file()}
    need(place.is_file() or not place.exists(), f"{place}: a pipe or a device, not a file")
    with zipfile.ZipFile(place) as archive:
        held = [entry for entry in archive.infolist() if entry.file_size <= MAX_BYTES]
        need(len({entry.filename for entry in held}) == len(held), "a file is in it twice")
        return {entry.filename: archive.read(entry) for entry in held if entry.filename in names}


def prove(files: dict[str, bytes], fingerprint: str = "") -> list[str]:
    """What is proven, in words; whatever is wrong raises one of FAULTS."""
    for name in {"keys.txt", "leaf.cbor", PROOFS["leaf"]} - files.keys():
        raise ValueError(f"{name} is not there; give the whole FOLDER or FILE.zip")
    keys = Keys(files["keys.txt"])
    need(fingerprint in ("", keys.fingerprint), "the publisher is another one")
    parts = [n for n in PROOFS if n == "leaf" or {f"{n}.cbor", PROOFS[n]} & files.keys()]
    found = {name: check(files, name, keys) for name in parts}
    return [
        *show({name: one[0] for name, one in found.items()}),
        f"PROVEN: recorded by the gateway; unchanged at central since {found['leaf'][1]} (UTC s).",
        "NOT PROVEN: that the meter showed it, nor who published the keys. Compare this",
        f"fingerprint with one that reached you another way:\n  {keys.fingerprint}",
    ]


def main(arguments: list[str]) -> int:
    try:
        files = read(Path(arguments[0]))
    except (IndexError, OSError, ValueError, zlib.error, zipfile.BadZipFile) as error:
        sys.stderr.write(f"cannot read it: {error}\n{__doc__}")
        return 2
    try:
        lines, status = prove(files, *arguments[1:2]), 0
    except FAULTS as error:
        lines, status = [f"NOT PROVEN: {str(error) or 'a signature is wrong'}"], 1
    sys.stdout.write("\n".join(lines) + "\n")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
