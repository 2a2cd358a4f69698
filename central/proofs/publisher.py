"""The publisher's two keys: Ed25519 and ML-DSA-44. They sign what is published, and nothing else.

Published keys, exports and daily checkpoints; never receipts and never orders.
"""

import base64
import secrets
from pathlib import Path
from typing import Final, NamedTuple

from central.keys import load_receipt_key
from central.secret_file import KeyFileError, create_secret, read_secret
from protocols.evidence.errors import Malformed
from protocols.evidence.mldsa import MlDsaSigner
from protocols.evidence.note import Signer, decode_base64
from protocols.evidence.published import Publisher

FILE_NAME: Final = "publisher-key"
FLEET_FILE_NAME: Final = "publisher-key-mldsa"
_SECRET_BYTES: Final = 32


class PublisherKeys(NamedTuple):
    """Both private keys, under one name."""

    signer: Signer
    fleet: MlDsaSigner

    @property
    def public(self) -> Publisher:
        return Publisher(self.signer.verifier, self.fleet.verifier)


def publisher_keys(directory: Path) -> PublisherKeys:
    """Read both keys; a store gets its own when they are first asked for. Raises KeyFileError.

    Of a pair of which one file is gone, none is made anew: it would be another publisher.
    """
    paths = directory / FILE_NAME, directory / FLEET_FILE_NAME
    present = [path.exists() for path in paths]
    if not any(present):
        name = f"{load_receipt_key(directory).name}-publisher"
        for path in paths[::-1]:  # the first file last: with it the pair is whole
            encoded = base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
            create_secret(path, f"{name} {encoded}\n".encode())
    elif not all(present):
        missing = paths[present.index(False)]
        raise KeyFileError(f"{missing}: missing, but its partner is there; restore it from a copy")
    (name, secret), (fleet_name, seed) = (_read(path) for path in paths)
    try:
        return PublisherKeys(Signer.from_private_bytes(name, secret), MlDsaSigner(fleet_name, seed))
    except Malformed as error:
        raise KeyFileError(f"{directory / FILE_NAME}: {error}; restore it from a copy") from None


def _read(path: Path) -> tuple[str, bytes]:
    data = read_secret(path, "publisher's key")
    name, _, encoded = data.decode("utf-8", "replace").partition(" ")
    try:
        return name, decode_base64(encoded.removesuffix("\n"), "publisher's key")
    except Malformed as error:
        raise KeyFileError(f"{path}: {error}; restore it from a copy") from None
