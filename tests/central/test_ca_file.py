"""The CA that a token pins."""

import pytest
from cryptography import x509

from central.ca_file import MAX_FILE_BYTES, der, load_ca, pem
from central.secret_file import KeyFileError


def test_of_a_chain_the_last_certificate_counts(tmp_path, certificate):
    """A server's file begins with its own certificate and ends nearest to the root."""
    path = tmp_path / "chain.pem"
    path.write_bytes(certificate[0])
    found = load_ca(path)
    assert pem(found) == certificate[0]
    assert x509.load_der_x509_certificate(der(found)) == found


@pytest.mark.parametrize("content", [b"", b"no certificate", b"x" * (MAX_FILE_BYTES + 1)])
def test_what_is_no_certificate_is_told(tmp_path, content):
    """With the path."""
    path = tmp_path / "ca.pem"
    path.write_bytes(content)
    with pytest.raises(KeyFileError, match="no PEM certificate"):
        load_ca(path)
    with pytest.raises(KeyFileError, match="check the path"):
        load_ca(tmp_path / "none.pem")
