"""Central's publication keys, and what it publishes of gateway gw-1."""

from protocols.evidence.keys import KeySchedule
from protocols.evidence.mldsa import MlDsaSigner
from protocols.evidence.note import KeyType, Signer
from protocols.evidence.published import PublishedKeys, Publisher
from protocols.evidence.receipt_keys import sign_succession
from tests.protocols.evidence.samples import CENTRAL, GATEWAY

TIME_S = 1_700_000_000
CHANGED_S = 1_600_000_000
PUBLISHER = Signer.from_private_bytes("central-fleet", bytes([5]) * 32)
FLEET = MlDsaSigner("central-fleet", bytes([6]) * 32)
OLD_CENTRAL = Signer.from_private_bytes("central", bytes([9]) * 32, KeyType.COSIGNATURE)
KEYS = PublishedKeys(
    Publisher(PUBLISHER.verifier, FLEET.verifier),
    TIME_S,
    OLD_CENTRAL.vkey,
    (sign_succession(1, OLD_CENTRAL, CENTRAL, CHANGED_S),),
    KeySchedule.of(GATEWAY.vkey),
)
