"""The gateways' certificate authority."""

import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from central.gateway_ca import CA_KEY_NAME, CA_NAME, create_gateway_ca, load_gateway_ca
from central.secret_file import KeyFileError
from protocols.evidence.errors import Malformed

NOW_MS = 1_790_000_000_000


def csr_of(gateway, key):
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, gateway)])
    made = x509.CertificateSigningRequestBuilder().subject_name(name)
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


@pytest.fixture
def authority(tmp_path):
    create_gateway_ca(tmp_path, "central", NOW_MS)
    return load_gateway_ca(tmp_path)


def verifier(authority, days=1):
    now = datetime.datetime.fromtimestamp(NOW_MS // 1000, datetime.UTC)
    return (
        PolicyBuilder()
        .store(Store([authority.certificate]))
        .time(now + datetime.timedelta(days=days))
        .build_client_verifier()
    )


def test_a_certificate_names_the_gateway_and_is_good_for_a_client(authority):
    """Its key is the request's; everything else is the authority's."""
    key = ec.generate_private_key(ec.SECP256R1())
    made = x509.load_der_x509_certificate(authority.issue(csr_of("gw-1", key), "gw-1", NOW_MS))
    made.verify_directly_issued_by(authority.certificate)
    assert made.public_key() == key.public_key()
    assert made.subject.rfc4514_string() == "CN=gw-1"
    lasts = made.not_valid_after_utc - made.not_valid_before_utc
    assert lasts.days == 365
    use = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert [one.dotted_string for one in use] == ["1.3.6.1.5.5.7.3.2"]
    assert not made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_another_gateways_request_gets_nothing(authority):
    """The common name must be the gateway that asked."""
    key = ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(Malformed, match="common name"):
        authority.issue(csr_of("gw-2", key), "gw-1", NOW_MS)


def test_it_is_made_once_and_kept_private(authority, tmp_path):
    """A second init changes nothing; the key is 0600."""
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    create_gateway_ca(tmp_path, "central", NOW_MS)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert set(before) == {CA_NAME, CA_KEY_NAME}
    assert (tmp_path / CA_KEY_NAME).stat().st_mode & 0o777 == 0o600


def test_a_creation_that_was_cut_is_finished(authority, tmp_path):
    """Where only the key was written, the certificate is made of it."""
    (tmp_path / CA_NAME).unlink()
    create_gateway_ca(tmp_path, "central", NOW_MS)
    assert load_gateway_ca(tmp_path).certificate.public_key() == authority.certificate.public_key()


def test_a_store_without_one_has_none_and_a_broken_one_is_told(authority, tmp_path):
    """None is an answer; a certificate of another key, or garbage, is not."""
    empty = tmp_path / "empty"
    empty.mkdir()
    assert load_gateway_ca(empty) is None
    (tmp_path / CA_NAME).write_bytes(b"no certificate")
    with pytest.raises(KeyFileError, match=CA_NAME):
        load_gateway_ca(tmp_path)
    create_gateway_ca(empty, "central", NOW_MS)
    (tmp_path / CA_NAME).write_bytes((empty / CA_NAME).read_bytes())
    with pytest.raises(KeyFileError, match="not of the key"):
        load_gateway_ca(tmp_path)


def test_a_certificate_holds_for_a_year(authority):
    """A strict verifier takes it within its year, and not beyond."""
    key = ec.generate_private_key(ec.SECP256R1())
    made = x509.load_der_x509_certificate(authority.issue(csr_of("gw-1", key), "gw-1", NOW_MS))
    verifier(authority, days=364).verify(made, [])
    with pytest.raises(VerificationError):
        verifier(authority, days=366).verify(made, [])
