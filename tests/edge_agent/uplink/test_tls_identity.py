"""The gateway's TLS identity: what is asked for, what is taken, and when it is due."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from edge_agent.keys.key_files import KeyFileError
from edge_agent.uplink.tls_identity import (
    Identity,
    certificate_request,
    grouped,
    identity_file,
    new_key,
    read_identity,
)
from protocols.evidence.enrol import check_csr
from tests.edge_agent.enrolling import certificate

KEY = new_key()


def test_the_request_is_one_that_central_takes() -> None:
    """P-256, self-signed, the gateway its one name."""
    check_csr(certificate_request(KEY, "gw-1"), "gw-1")


def test_key_and_certificate_become_one_file_that_tls_takes(tmp_path: Path) -> None:
    """OpenSSL loads it, and its dates are read back."""
    pem = identity_file(KEY, certificate(certificate_request(KEY, "gw-1"), days=30))
    (tmp_path / "tls.pem").write_bytes(pem)
    ssl.create_default_context().load_cert_chain(tmp_path / "tls.pem")
    found = read_identity(pem)
    assert found.not_after_s - found.not_before_s == 30 * 86_400
    assert len(found.fingerprint) == 39


def test_it_is_due_in_its_last_third() -> None:
    """Long before it ends: the link may be down for months."""
    identity = Identity(1000, 1000 + 300, "")
    assert [identity.is_due(at) for at in (1000, 1199, 1200, 9999)] == [False, False, True, True]


@pytest.mark.parametrize(
    ("key", "data", "told"),
    [
        (new_key(), certificate(certificate_request(KEY, "gw-1")), "another key"),
        (KEY, b"junk", "central's certificate"),
        (b"junk", certificate(certificate_request(KEY, "gw-1")), "TLS key is damaged"),
    ],
)
def test_what_does_not_fit_is_refused(key: bytes, data: bytes, told: str) -> None:
    """Another key's certificate, and what is none."""
    with pytest.raises(KeyFileError, match=told):
        identity_file(key, data)


def test_a_file_without_certificate_is_told() -> None:
    """With the remedy."""
    with pytest.raises(KeyFileError, match="enroll again"):
        read_identity(KEY)


def test_figures_are_grouped_for_people() -> None:
    """Four by four."""
    assert grouped("0123456789ab") == "0123-4567-89ab"
