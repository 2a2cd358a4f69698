"""The CA that a token pins."""

import datetime

import pytest
from cryptography import x509

from central.ca_file import MAX_FILE_BYTES, check_ca, der, load_ca, pem
from central.secret_file import KeyFileError
from simulators.certificates import make_certificates


def test_of_a_chain_the_last_certificate_counts(tmp_path, certificate):
    """A server's file begins with its own certificate and ends nearest to the root."""
    path = tmp_path / "chain.pem"
    path.write_bytes(certificate[0])
    found = load_ca(path)
    assert pem(found) == certificate[0]
    assert x509.load_der_x509_certificate(der(found)) == found


def test_a_ca_of_another_certificate_is_told(tmp_path, certificate):
    """Before a token pins what no gateway could believe central by."""
    now = datetime.datetime.now(datetime.UTC)
    made = make_certificates(tmp_path, now)
    check_ca(load_ca(made.ca), made.cert)
    (tmp_path / "self.pem").write_bytes(certificate[0])
    itself = load_ca(tmp_path / "self.pem")
    check_ca(itself, tmp_path / "self.pem")
    with pytest.raises(KeyFileError, match="not signed by CN=central"):
        check_ca(itself, made.cert)


@pytest.mark.parametrize("content", [b"", b"no certificate", b"x" * (MAX_FILE_BYTES + 1)])
def test_what_is_no_certificate_is_told(tmp_path, content):
    """With the path."""
    path = tmp_path / "ca.pem"
    path.write_bytes(content)
    with pytest.raises(KeyFileError, match="no PEM certificate; give the CA's certificate"):
        load_ca(path)
    with pytest.raises(KeyFileError, match="check the path"):
        load_ca(tmp_path / "none.pem")
