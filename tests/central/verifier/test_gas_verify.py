"""The verifier of one file: by itself, against mutations, and against the big one."""

import ast
import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from central.verifier import gas_verify
from protocols.audit.proof_folder import FILES
from protocols.evidence.leaf import Kind, Origin, encode_leaf, leaf_hash
from protocols.evidence.merkle import EMPTY
from protocols.evidence.merkle_path import inclusion_path, leaf_nodes
from protocols.evidence.note import Checkpoint, KeyType, Signer, cosign, sign_checkpoint
from protocols.evidence.proof import Proof, encode_proof
from protocols.evidence.published import open_keys, sign_keys, with_receipt
from protocols.evidence.receipt_keys import sign_succession
from tests.central.proofs.mutations import flipped, is_proven, is_proven_alone, some
from tests.central.proofs.site import MADE_S, proof_of, site_in
from tests.central.web import story
from tests.protocols.audit.morning import BILLING as MORNING
from tests.protocols.evidence.published_samples import KEYS, PUBLISHER, TIME_S
from tests.protocols.evidence.samples import BILLING, CENTRAL, GATEWAY

SOURCE = Path(gas_verify.__file__)


def run(*arguments: object) -> tuple[int, str]:
    """As a customer runs it: the file alone, none of ours in reach."""
    done = subprocess.run(
        [sys.executable, "-I", str(SOURCE), *map(str, arguments)],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONUTF8": "1"},
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def folder(directory: Path, files: dict[str, bytes]) -> Path:
    directory.mkdir(parents=True)
    for name, data in files.items():
        (directory / name).write_bytes(data)
    return directory


def test_it_is_short_and_needs_nothing_of_ours() -> None:
    """Under 300 lines; the standard library and `cryptography` only."""
    text = SOURCE.read_text()
    assert len(text.splitlines()) < 300
    roots = {
        (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name).split(".")[0]
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert roots - set(sys.stdlib_module_names) == {"cryptography"}


@pytest.mark.parametrize(
    ("kind", "figure"),
    [
        (Kind.INTERVAL, "conversion_factor_C = 4."),
        (Kind.SCAN, "process_temperature = 55.7954254150391 °F"),
    ],
)
def test_it_proves_and_prints_values_with_units(tmp_path: Path, kind: Kind, figure: str) -> None:
    """Run alone on the folder, and on a zip of it."""
    files = proof_of(kind)
    status, told = run(folder(tmp_path / "proof", files))
    assert (status, figure in told) == (0, True), told
    assert "NOT PROVEN: that the meter showed it" in told
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    (tmp_path / "proof.zip").write_bytes(data.getvalue())
    fingerprint = open_keys(files["keys.txt"]).publisher.fingerprint
    assert run(tmp_path / "proof.zip", fingerprint) == (0, told)
    status, told = run(tmp_path / "proof.zip", "0" * 64)
    assert (status, "publisher" in told) == (1, True)


def test_what_cannot_be_read_is_status_2(tmp_path: Path) -> None:
    """No argument, no such file, no zip, a pipe that nobody writes into."""
    (tmp_path / "text").write_text("no zip")
    with zipfile.ZipFile(tmp_path / "twice.zip", "w") as archive:
        archive.writestr("leaf.cbor", b"1")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("leaf.cbor", b"2")
    os.mkfifo(tmp_path / "pipe")
    for name in ("", "none", "text", "twice.zip", "pipe"):
        status, told = run(*([tmp_path / name] if name else []))
        assert (status, "cannot read it" in told) == (2, True)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """With the remedy, and no name of an exception; no line is wider than a terminal."""
    files = proof_of(Kind.INTERVAL)
    for name in ("keys.txt", "leaf.cbor", "proof.tlog-proof"):
        left = {one: data for one, data in files.items() if one != name}
        status, told = run(folder(tmp_path / name, left))
        assert (status, f"NOT PROVEN: {name} is not there; give" in told) == (1, True), told
    assert run(folder(tmp_path / "empty", {}))[0] == 1
    status, told = run(folder(tmp_path / "whole", files))
    assert status == 0
    assert max(len(line) for line in told.splitlines()) <= 80


@pytest.mark.parametrize("kind", [Kind.INTERVAL, Kind.SCAN])
@pytest.mark.parametrize("name", sorted(FILES))
def test_both_verifiers_refuse_every_changed_bit(kind: Kind, name: str) -> None:
    """None accepted, by either: some bits of each file here, 10,000 in the long form."""
    files = proof_of(kind)
    if name in files:
        for changed in some(files, name, 120):
            assert not is_proven_alone(changed)
            assert not is_proven(changed)


def test_both_verifiers_agree_on_what_is_missing_or_foreign() -> None:
    """Whole files taken away, exchanged or doubled: the same verdict."""
    interval, scan = proof_of(Kind.INTERVAL), proof_of(Kind.SCAN)
    assert is_proven(interval)
    assert is_proven_alone(interval)
    for name in interval:
        less = {key: data for key, data in interval.items() if key != name}
        assert is_proven(less) == is_proven_alone(less) is False
        for other in interval:
            mixed = {**interval, name: interval[other]}
            assert is_proven(mixed) == is_proven_alone(mixed) == (name == other)
        if name in scan and name != "keys.txt":
            mixed = {**interval, name: scan[name]}
            assert is_proven(mixed) == is_proven_alone(mixed)
    alone = {name: data for name, data in interval.items() if not name.startswith("map")}
    assert is_proven(alone) == is_proven_alone(alone) is True


def test_both_verifiers_follow_successions_and_revocations(tmp_path: Path) -> None:
    """A receipt key that came later, one that is unknown, a log key revoked before the leaf."""
    site = site_in(tmp_path / "store")
    files = dict(proof_of(Kind.INTERVAL))
    files = site.files(site.interval())
    keys = open_keys(files["keys.txt"])
    site.store.close()
    central = Signer.from_private_bytes("central", bytes(range(1, 33)), KeyType.COSIGNATURE)
    older = Signer.from_private_bytes("central", bytes(32), KeyType.COSIGNATURE)
    cases = []
    for time_s, good in ((MADE_S - 3_600, True), (MADE_S + 10 * 86_400, False)):
        note = sign_succession(1, older, central, time_s)
        cases.append((keys._replace(first_receipt=older.vkey, successions=(note,)), good))
        after = sign_succession(1, central, older, time_s)
        cases.append((keys._replace(successions=(after,)), True))
    cases.append((keys._replace(first_receipt=older.vkey), False))
    for until, good in (((0, 0), False), ((0, 1 << 30), True)):
        spans = tuple(span._replace(until=until) for span in keys.logs.billing)
        logs = type(keys.logs)(spans, keys.logs.telemetry)
        cases.append((keys._replace(logs=logs), good))
    for published, good in cases:
        changed = {**files, "keys.txt": sign_keys(published, site.keys.signer)}
        assert is_proven(changed) == is_proven_alone(changed) == good


def signed(leaves: Sequence[bytes], origin: Origin = BILLING) -> list[bytes]:
    """The proofs of these bytes as leaves of a log that gateway and central signed."""
    hashes = [leaf_hash(data) for data in leaves]
    head = Checkpoint(origin, len(hashes), EMPTY.extend(hashes).root())
    note = sign_checkpoint(head, GATEWAY)
    stored = with_receipt(note, cosign(note, CENTRAL, TIME_S))
    nodes = leaf_nodes(enumerate(hashes))
    paths = [inclusion_path(at, len(hashes), nodes) for at in range(len(hashes))]
    return [encode_proof(Proof(at, path, stored)) for at, path in enumerate(paths)]


def test_both_verifiers_refuse_what_a_hostile_gateway_signs() -> None:
    """A configuration under another's hash, and leaves outside of the format: signed, receipted."""
    keys = {"keys.txt": sign_keys(KEYS, PUBLISHER)}
    config = next(leaf for leaf in MORNING if leaf.subject == story.RUN)._replace(seq=0)
    record = next(leaf for leaf in MORNING if leaf.kind is Kind.INTERVAL)._replace(seq=1)
    for line_exponent, good in ((-3, True), (0, False)):
        body = (*config.body[:3], line_exponent, *config.body[4:])
        pair = [encode_leaf(config._replace(body=body)), encode_leaf(record)]
        proofs = signed(pair)
        files = {
            **keys, "leaf.cbor": pair[1], "proof.tlog-proof": proofs[1],
            "configuration.cbor": pair[0], "configuration.tlog-proof": proofs[0],
        }  # fmt: skip
        assert is_proven(files) == is_proven_alone(files) == good
    event = next(leaf for leaf in MORNING if leaf.kind is Kind.EVENT)._replace(seq=0)
    whole = encode_leaf(event)
    at = whole.rindex(b"\xf6\xf6")  # old and new of the event, null both
    for odd, good in ((b"\xf6\x01", True), (b"\xf6\xf5", False), (b"\xf6\xa0", False),
                      (b"\xf6\xc0\x01", False), (b"\xf6\x18\x01", False),
                      (b"\xf6\xf9\x3c\x00", False)):  # fmt: skip
        data = whole[:at] + odd + whole[at + 2 :]
        files = {**keys, "leaf.cbor": data, "proof.tlog-proof": signed([data])[0]}
        assert is_proven(files) == is_proven_alone(files) == good


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(FILES))
def test_ten_thousand_changed_bits_of_each_file(name: str) -> None:
    """10,000 mutations of leaf, proof and keys each (all bits where there are fewer): none."""
    files = proof_of(Kind.INTERVAL)
    for changed in some(files, name, 10_000):
        assert not is_proven(changed)
        assert not is_proven_alone(changed)


def test_every_bit_of_a_small_proof() -> None:
    """All bits of leaf and proof of one scan, by the big verifier: none accepted."""
    files = {n: d for n, d in proof_of(Kind.SCAN).items() if not n.startswith("map")}
    assert is_proven(files)
    for name in ("leaf.cbor", "proof.tlog-proof"):
        for bit in range(8 * len(files[name])):
            assert not is_proven(flipped(files, name, bit))
