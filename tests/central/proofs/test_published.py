"""The published keys of a gateway, as the registry and the receipt keys have them."""

from pathlib import Path

import pytest

from central.clock import Clock
from central.proofs.prove import ProofError
from central.proofs.published import published_keys
from central.receipt_keys import load_receipt_keys, rotate_receipt_key
from protocols.evidence.published import open_keys
from tests.central.proofs.site import MADE_S, site_in
from tests.central.web import story


def test_receipt_keys_with_their_successions(tmp_path: Path) -> None:
    """After a rotation the first key is still the one to begin with."""
    site = site_in(tmp_path / "store")
    before = open_keys(site.published())
    clock: Clock = lambda: MADE_S * 1000  # noqa: E731
    rotate_receipt_key(site.store.directory, clock)
    after = open_keys(site.published())
    assert after.first_receipt == before.first_receipt
    assert len(after.successions) == 1
    assert after.logs == before.logs
    assert load_receipt_keys(site.store.directory).signer.vkey != after.first_receipt
    site.store.close()


def test_an_unknown_gateway_is_told(tmp_path: Path) -> None:
    """With the command that lists them."""
    site = site_in(tmp_path / "store")
    with pytest.raises(ProofError, match="gateway list"):
        published_keys(site.store, site.keys, "gw-9", MADE_S)
    assert open_keys(site.published()).logs.gateway == story.GATEWAY
    site.store.close()
