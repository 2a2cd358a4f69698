"""One-bit mutations of a proof, and what both verifiers say of each."""

import random
from collections.abc import Iterator, Mapping

from central.verifier import gas_verify
from protocols.audit.proof_folder import check_proof
from protocols.evidence.errors import EvidenceError

Files = Mapping[str, bytes]


def flipped(files: Files, name: str, bit: int) -> dict[str, bytes]:
    """The files with one bit of one of them changed."""
    changed = bytearray(files[name])
    changed[bit // 8] ^= 1 << bit % 8
    return {**files, name: bytes(changed)}


def some(files: Files, name: str, most: int, seed: int = 5) -> Iterator[dict[str, bytes]]:
    """All one-bit mutations of a file, or ``most`` of them."""
    bits = range(8 * len(files[name]))
    chosen = bits if len(bits) <= most else random.Random(seed).sample(bits, most)
    return (flipped(files, name, bit) for bit in chosen)


def is_proven(files: Files) -> bool:
    """The verdict of `edge-agent verify`."""
    try:
        check_proof(files)
    except (EvidenceError, ValueError):
        return False
    return True


def is_proven_alone(files: Files) -> bool:
    """The verdict of the verifier of one file."""
    try:
        gas_verify.prove(dict(files))
    except gas_verify.FAULTS:
        return False
    return True
