"""A proven interval as a page shows it: figures, the parts of the proof, what it does not prove."""

from datetime import datetime, tzinfo
from typing import Any, Final, NamedTuple

from central.api.query import LATEST_MS, BadRequestError
from central.proofs.prove import Place, ProofError, interval_at, proof_files
from central.proofs.published import published_keys
from central.proofs.publisher import PublisherKeys, publisher_keys
from central.secret_file import KeyFileError
from central.store.database import Store
from protocols.audit.bodies import interval_of
from protocols.audit.figures import Figure, flag_names
from protocols.audit.proof_folder import LEAF, ProofReport, check_proof, pair
from protocols.evidence.errors import EvidenceError
from protocols.evidence.leaf import Log, Origin, leaf_hash
from protocols.evidence.proof import decode_proof

UNITS: Final = {"m3": "m³", "MJ/m3": "MJ/m³", "degC": "°C"}
_SHOWN_CHARS: Final = 16


class ProvenInterval(NamedTuple):
    """The files of a proof, checked as anybody would, and what they show."""

    files: dict[str, bytes]
    report: ProofReport


def proven_interval(store: Store, place: Place, now_s: int) -> ProvenInterval:
    """Make the proof and check it. Raises BadRequestError where there is none."""
    try:
        keys = published_keys(store, publisher_keys(store.directory), place.origin.gateway, now_s)
        files = proof_files(store, place, keys)
        return ProvenInterval(files, check_proof(files))
    except (ProofError, EvidenceError, ValueError) as error:
        raise BadRequestError(404, f"{error}", "choose another time") from error


def keys_of(store: Store) -> PublisherKeys:
    """The publisher's keys. Raises BadRequestError where they cannot be read."""
    try:
        return publisher_keys(store.directory)
    except KeyFileError as error:
        raise BadRequestError(503, f"{error}", "an operator of central must see to it") from error


def find_interval(store: Store, gateway: str, run: str, at_ms: int) -> Place:
    """The interval of a run at an instant. Raises BadRequestError where there is none."""
    try:
        with store.engine.connect() as conn:
            return interval_at(conn, gateway, run, at_ms)
    except ProofError as error:
        raise BadRequestError(404, f"{error}", "choose another time") from error


def billing_place(gateway: str, epoch: int, seq: int) -> Place:
    return Place(Origin(gateway, Log.BILLING, epoch), seq)


def read_time(text: str, zone: tzinfo) -> int:
    """UTC ms of what a browser's date and time field sends, by the site's clock.

    Where the clock was set back, the first of the two hours is meant. Raises BadRequestError.
    """
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        raise BadRequestError(400, f"at={text[:40]}", "write 2026-12-01T08:00") from None
    if local.tzinfo is None:
        local = local.replace(tzinfo=zone)
    utc_ms = round(local.timestamp() * 1000)
    if not 0 <= utc_ms <= LATEST_MS:
        raise BadRequestError(400, f"at={text[:40]}", "choose a time since 1970")
    return utc_ms


def proof_context(proven: ProvenInterval) -> dict[str, Any]:
    """What the template shows."""
    report = proven.report
    leaf_name, proof_name = pair(LEAF)
    proof = decode_proof(proven.files[proof_name])
    stored = report.proven.stored
    record = interval_of(report.leaf)
    return {
        "leaf": report.leaf,
        "record": record,
        "instrument": report.instrument,
        "profile": report.explanation.register_map.profile
        if report.explanation.register_map
        else "",
        "figures": [one for one in report.figures if one.label != "flags"],
        "flags": flag_names(record.flags),
        "leaf_hash": leaf_hash(proven.files[leaf_name]).hex()[:_SHOWN_CHARS],
        "path": len(proof.path),
        "size": stored.checkpoint.size,
        "root": stored.checkpoint.root.hex()[:_SHOWN_CHARS],
        "log_key": f"{stored.log_key.name}+{stored.log_key.key_id.hex()}",
        "receipt_key": f"{stored.receipt_key.name}+{stored.receipt_key.key_id.hex()}",
        "received_ms": 1000 * stored.received_s,
        "explained": len(report.explained_by),
        "fingerprint": grouped(report.keys.publisher.fingerprint),
        "units": UNITS,
    }


def figure_text(figure: Figure) -> str:
    """A value with its unit, as the trade writes it."""
    unit = UNITS.get(figure.unit, figure.unit)
    return f"{figure.value} {unit}" if unit else figure.value


def grouped(fingerprint: str) -> str:
    """Hex digits by fours."""
    return " ".join(fingerprint[at : at + 4] for at in range(0, len(fingerprint), 4))
