"""An enrolment on the gateway's side: the candidate keys, the request, and their taking over.

Keys that were not approved yet lie beside those in force, so that a gateway that is enrolled again
goes on until the very step that replaces them. Called again at any point it goes on: with the same
keys central gives the same answer.

| file | holds |
|---|---|
| `enrol.key`, `enrol.tls` | the new log key and the new TLS key, until they are approved |
| `ca.pem`, `tls.pem` | central's CA; TLS key and client certificate |
| `replaces` | what central holds of the gateway that this one replaces |
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from edge_agent.journal.epoch import raise_epoch
from edge_agent.keys.key_files import KeyFileError, StateFiles
from edge_agent.keys.keyring import (
    ENROL_KEY,
    KIND,
    LOG_KEY,
    NEXT_KEY,
    OLD_KEY,
    ROTATION,
    SALT_SECRET,
    SCHEDULE,
    SECRET_BYTES,
    read_signer,
)
from edge_agent.keys.keys import load_keys
from edge_agent.recording.replacement import FILE_NAME as REPLACES
from edge_agent.recording.replacement import citations_of
from edge_agent.uplink.tls_identity import TLS_FILE, certificate_request, identity_file, new_key
from protocols.evidence.enrol import Approved, Request, encode_answer, sign_request
from protocols.evidence.enrol_token import Token
from protocols.evidence.errors import Malformed
from protocols.evidence.keys import MAX_TEXT_BYTES, KeySchedule, KeySpan
from protocols.evidence.note import Signer

ENROL_TLS: Final = "enrol.tls"
CA_FILE: Final = "ca.pem"
_MAX_PEM_BYTES: Final = 16_384


class Candidate(NamedTuple):
    """The keys that wait for approval, and the request that names them."""

    signer: Signer
    request: Request
    data: bytes


def prepare(
    state_dir: Path,
    token: Token,
    serial: str,
    replaces: str | None,
    random: Callable[[int], bytes],
) -> Candidate:
    """Make the keys, or take those of an earlier try. Raises KeyFileError, Malformed."""
    state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = StateFiles(state_dir)
    _refuse_another(files, token.gateway)
    with contextlib.suppress(FileExistsError):
        files.write_secret(ENROL_KEY, KIND, token.gateway, random(SECRET_BYTES))
    signer = read_signer(files, ENROL_KEY, token.gateway)
    key_pem = files.read(ENROL_TLS, _MAX_PEM_BYTES)
    if key_pem is None:
        key_pem = new_key()
        files.write(ENROL_TLS, key_pem)
    csr = certificate_request(key_pem, token.gateway)
    request = Request(token.gateway, token.secret, serial, csr, signer.vkey, replaces)
    return Candidate(signer, request, sign_request(request, signer))


def install(
    files: StateFiles, candidate: Candidate, answer: Approved, ca_pem: bytes,
    random: Callable[[int], bytes],
) -> None:  # fmt: skip
    """The approved keys take over; the lock of the state directory is the caller's.

    The step that counts is the last but one: until the key has its name the gateway is what it was.
    Raises KeyFileError, OSError.
    """
    gateway = candidate.request.gateway
    files.write(CA_FILE, ca_pem)
    if answer.certificate:
        key_pem = files.read(ENROL_TLS, _MAX_PEM_BYTES) or b""
        files.write(TLS_FILE, identity_file(key_pem, answer.certificate))
    if answer.replaced is not None:
        citations_of(answer.replaced)
        files.write(REPLACES, encode_answer(answer))
    raise_epoch(files.directory, answer.epoch)
    if not files.exists(SALT_SECRET):
        files.write_secret(SALT_SECRET, "salt-secret", gateway, random(SECRET_BYTES))
    schedule = _next_schedule(files, candidate.signer.vkey, answer.epoch)
    files.write(SCHEDULE, schedule.to_text().encode("ascii"))
    files.remove(ROTATION)
    if files.exists(LOG_KEY):
        files.destroy(NEXT_KEY)
        files.rename(LOG_KEY, OLD_KEY)
    files.rename(ENROL_KEY, LOG_KEY)
    files.destroy(OLD_KEY)
    files.destroy(ENROL_TLS)


def _refuse_another(files: StateFiles, gateway: str) -> None:
    """Two gateways never share a state directory."""
    for name, kind in ((LOG_KEY, KIND), (SALT_SECRET, "salt-secret"), (ENROL_KEY, KIND)):
        if files.exists(name):
            try:
                whose, _ = files.read_secret(name, kind)
            except KeyFileError:
                if name == LOG_KEY:
                    continue  # a damaged key is what this enrolment replaces
                raise
            if whose != gateway:
                raise KeyFileError(
                    f"{files.directory / name} is {whose}'s, the token is for {gateway}: use "
                    "another --state, or the token of that gateway"
                )


def _next_schedule(files: StateFiles, vkey: str, epoch: int) -> KeySchedule:
    """Our keys of before, where they are known, and the new one from its epoch on."""
    span = KeySpan(epoch, 0, vkey)
    first = KeySchedule((span,), (span,))
    if epoch == 0:
        return first
    try:
        data = files.read(SCHEDULE, MAX_TEXT_BYTES) or b""
        if vkey.encode("ascii") in data:  # an earlier try came so far
            return KeySchedule.from_text(data.decode("ascii", errors="replace"))
        if not files.exists(LOG_KEY):
            return first
        return load_keys(files.directory).schedule.renewed(vkey, epoch)
    except (KeyFileError, Malformed):  # what is damaged is why it is enrolled again
        return first
