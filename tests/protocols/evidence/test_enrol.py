"""Enrolment: both roles, and whatever is not signed by both keys and spelt so is refused."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from protocols.evidence import cbor
from protocols.evidence.enrol import (
    Approved,
    Cited,
    Denied,
    Pending,
    Replaced,
    Request,
    check_csr,
    check_poll,
    decode_answer,
    encode_answer,
    fingerprint,
    open_request,
    sign_poll,
    sign_request,
    take_receipt_key,
)
from protocols.evidence.enrol_token import Token, receipt_pin
from protocols.evidence.errors import BadSignature, EvidenceError, Malformed
from protocols.evidence.note import KeyType, Signer
from protocols.evidence.receipt_keys import sign_succession

LOG_KEY = Signer.from_private_bytes("gw-1", b"g" * 32)
STRANGER = Signer.from_private_bytes("gw-1", b"x" * 32)
TLS_KEY = ec.derive_private_key(12345, ec.SECP256R1())
RECEIPTS, NEWER = (
    Signer.from_private_bytes("central", seed * 32, KeyType.COSIGNATURE) for seed in (b"r", b"n")
)
ORDERS = Signer.from_private_bytes("central-orders", b"o" * 32)


def csr_of(key, *names, hash_=SHA256()):  # noqa: B008  # a constant
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name) for name in names])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    return builder.sign(key, hash_).public_bytes(Encoding.DER)


CSR = csr_of(TLS_KEY, "gw-1")
REQUEST = Request("gw-1", b"s" * 16, "10000000abcdef01", CSR, LOG_KEY.vkey, None)
APPROVED = Approved(RECEIPTS.vkey, ORDERS.vkey, b"certificate", 0, None)


def test_a_request_travels_and_is_held_by_both_keys():
    """What the gateway signs is what central reads, with and without an old gateway."""
    for request in (REQUEST, REQUEST._replace(replaces="gw-0"), REQUEST._replace(secret=b"")):
        assert open_request(sign_request(request, LOG_KEY)) == request


def test_a_request_that_the_named_log_key_did_not_sign_is_refused():
    """Nobody enrols a log key that he does not hold."""
    with pytest.raises(BadSignature, match="not signed by the log key"):
        open_request(sign_request(REQUEST, STRANGER))


def test_every_changed_bit_of_a_request_is_refused():
    """No bit of it can be another."""
    data = sign_request(REQUEST, LOG_KEY)
    for at in range(len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[at] ^= 1 << bit
            with pytest.raises(EvidenceError):
                open_request(bytes(changed))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"gateway": "GW"}, "gateway id"),
        ({"secret": b"s" * 15}, "secret of 15"),
        ({"serial": ""}, "serial"),
        ({"serial": "a b"}, "serial"),
        ({"serial": "a" * 65}, "serial"),
        ({"csr": CSR[:-1]}, "PKCS"),
        ({"csr": csr_of(TLS_KEY, "gw-2")}, "common name"),
        ({"csr": csr_of(TLS_KEY)}, "common name"),
        ({"csr": csr_of(TLS_KEY, "gw-1", "gw-2")}, "common name"),
        ({"csr": csr_of(ec.derive_private_key(5, ec.SECP384R1()), "gw-1")}, "P-256"),
        (
            {
                "csr": csr_of(
                    ed25519.Ed25519PrivateKey.from_private_bytes(b"e" * 32), "gw-1", hash_=None
                )
            },
            "P-256",
        ),
        ({"log_vkey": Signer.from_private_bytes("gw-2", b"g" * 32).vkey}, "gw-2's"),
        ({"log_vkey": RECEIPTS.vkey}, "receipt key"),
        ({"log_vkey": "nonsense"}, "verifier key"),
        ({"replaces": "gw-1"}, "cannot replace"),
        ({"replaces": "GW"}, "cannot replace"),
    ],
)
def test_what_is_no_request_is_refused_by_both_roles(change, told):
    """Each field has its form: who signs refuses it, and so does who reads it."""
    request = REQUEST._replace(**change)
    with pytest.raises(EvidenceError, match=told):
        sign_request(request, LOG_KEY)
    body = cbor.encode((1, *request))
    data = cbor.encode((body, LOG_KEY.sign(b"gas-enrol/v1\n" + body)))
    with pytest.raises(EvidenceError, match=told):
        open_request(data)


def test_a_certificate_request_that_its_key_did_not_sign_is_refused():
    """Somebody else's public key cannot be certified."""
    changed = CSR[:-4] + bytes([CSR[-4] ^ 1]) + CSR[-3:]
    with pytest.raises(BadSignature, match="own key"):
        check_csr(changed, "gw-1")


def test_the_fingerprint_changes_with_each_of_what_it_stands_for():
    """Another log key, TLS key or serial shows another fingerprint; the token's secret does not."""
    requests = (
        REQUEST,
        REQUEST._replace(log_vkey=STRANGER.vkey),
        REQUEST._replace(serial="2"),
        REQUEST._replace(csr=csr_of(ec.derive_private_key(6, ec.SECP256R1()), "gw-1")),
    )
    shown = [fingerprint(request) for request in requests]
    assert len(set(shown)) == 4
    assert fingerprint(REQUEST._replace(secret=b"")) == shown[0]
    assert len(shown[0]) == 39
    assert shown[0].count("-") == 7


def test_golden_fingerprint():
    """Both sides show the same figures, this year and next."""
    assert fingerprint(REQUEST) == "58cc-18d1-7b36-d703-d304-3599-6418-99c4"


@pytest.mark.parametrize(
    "answer",
    [
        Pending("aaaa-bbbb"),
        Denied("no", "ask"),
        APPROVED,
        APPROVED._replace(epoch=4, replaced=Replaced("gw-0", (Cited(b"note", b"line"),) * 2)),
    ],
)
def test_answers_travel(answer):
    """Each answer is read as what it was."""
    assert decode_answer(encode_answer(answer)) == answer


@pytest.mark.parametrize(
    "data",
    [
        b"",
        cbor.encode((2, 0, "x")),
        cbor.encode((1, 3, "x")),
        cbor.encode((1, 0, "x", 1)),
        cbor.encode((1, 1, "a", "b", b"", -1, None)),
        cbor.encode((1, 1, "a", "b", b"", 1 << 31, None)),
        cbor.encode((1, 1, "a", "b", b"x" * 8193, 0, None)),
        cbor.encode((1, 1, "a", "b", b"", 0, ("gw-0",))),
        cbor.encode((1, 1, "a", "b", b"", 0, ("gw-0", ((b"n",),)))),
        cbor.encode((1, 1, "a", "b", b"", 0, ("gw-0", ((b"n", b"l"),) * 9))),
        cbor.encode((1, 1, "a", "b", b"", 0, ("gw-0", ((b"n" * 1025, b"l"),)))),
        b"<html>Welcome to the hotel</html>",
    ],
)
def test_another_answer_is_refused(data):
    """A captive portal's page, a later version, a field out of range: not read."""
    with pytest.raises(Malformed, match="enrolment"):
        decode_answer(data)


def test_asking_again_is_signed():
    """Only the log key of the request hears how it stands."""
    check_poll("gw-1", sign_poll("gw-1", LOG_KEY), LOG_KEY.verifier)
    with pytest.raises(BadSignature):
        check_poll("gw-1", sign_poll("gw-1", STRANGER), LOG_KEY.verifier)
    with pytest.raises(BadSignature):
        check_poll("gw-2", sign_poll("gw-1", LOG_KEY), LOG_KEY.verifier)


def test_the_receipt_key_is_the_pinned_one_or_follows_from_it():
    """A receipt key that the token does not lead to is another central's."""
    token = Token("gw-1", b"s" * 16, b"c" * 32, receipt_pin(RECEIPTS.vkey))
    chain = (sign_succession(1, RECEIPTS, NEWER, 5),)
    asked = []

    def successions():
        asked.append(1)
        return chain

    assert take_receipt_key(token, APPROVED, successions).vkey == RECEIPTS.vkey
    assert not asked
    newer = APPROVED._replace(receipt_vkey=NEWER.vkey)
    assert take_receipt_key(token, newer, successions).vkey == NEWER.vkey
    for wrong in ((), (sign_succession(1, NEWER, RECEIPTS, 5),)):
        with pytest.raises(BadSignature, match="not the one that the token pins"):
            take_receipt_key(token, newer, lambda wrong=wrong: wrong)
