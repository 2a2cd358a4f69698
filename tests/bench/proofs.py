"""What it costs to check a proof: CPU of one core, by both verifiers, and of a whole export."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from central.verifier import gas_verify
from edge_agent.verify.export_audit import audit_export
from protocols.audit.proof_folder import LEAF, check_proof, pair
from protocols.evidence.leaf import Kind
from protocols.evidence.proven_leaf import check_leaf
from protocols.evidence.published import open_keys
from tests.central.proofs.site import export_in, proof_of

_ROUNDS: Final = 200
_REPEATS: Final = 5


def print_proof_costs() -> None:
    """The best of several runs each."""
    print("CPU of a proof, ms (best of several runs):\n")
    for kind in (Kind.SCAN, Kind.INTERVAL):
        files = proof_of(kind)
        keys = open_keys(files["keys.txt"])
        data, proof = (files[name] for name in pair(LEAF))
        name = kind.name.lower()
        _line(f"one {name}, keys read before", lambda d=data, p=proof, k=keys: check_leaf(d, p, k))
        _line(f"the whole folder of a {name}", lambda f=files: check_proof(f))
        _line(f"the same by gas_verify.py ({name})", lambda f=files: gas_verify.prove(f))
    with tempfile.TemporaryDirectory() as directory:
        place = export_in(Path(directory))
        begin_s = time.process_time()
        report = audit_export(place, lambda _done, _uploads: None)
        took_s = time.process_time() - begin_s
    print(f"\nAn export of {report.leaves} leaves, every interval made again: "
          f"{1e6 * took_s / report.leaves:.0f} us a leaf")  # fmt: skip


def _line(what: str, check: Callable[[], object]) -> None:
    print(f"{what:40} {min(_cost_ms(check) for _ in range(_REPEATS)):6.3f}")


def _cost_ms(check: Callable[[], object]) -> float:
    begin_s = time.process_time()
    for _ in range(_ROUNDS):
        check()
    return 1000 * (time.process_time() - begin_s) / _ROUNDS
