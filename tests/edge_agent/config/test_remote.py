"""[remote]: whose offers are taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.config.file import ConfigErrors
from edge_agent.config.model import RemoteConfig
from edge_agent.recording.changes import gateway_fields
from protocols.evidence.note import KeyType, Signer
from tests.edge_agent.gateway import config_of, table

OPERATOR = Signer.from_private_bytes("operator", b"p" * 32)


def test_nobody_is_believed_by_default(tmp_path: Path) -> None:
    """And consent is wanted."""
    assert config_of(tmp_path).remote == RemoteConfig("", consent=True, trial_s=300.0)


def test_whom_it_believes_is_in_the_configurations_hash(tmp_path: Path) -> None:
    """And whether it wants consent; each change is told by its field."""
    bodies = []
    for consent in (True, False):
        changed = table()
        changed["remote"] = {"operator_key": OPERATOR.vkey, "consent": consent}
        bodies.append(config_of(tmp_path, changed).to_body())
    plain = config_of(tmp_path).to_body()
    assert len({plain, *bodies}) == 3
    fields = [gateway_fields(body) for body in (plain, *bodies)]
    assert "remote.consent" not in fields[0]
    assert [each["remote.consent"] for each in fields[1:]] == [1, 0]
    assert fields[1]["remote.operator_key"] == OPERATOR.vkey


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("x", "remote.operator_key"),
        (Signer.from_private_bytes("a", b"p" * 32, KeyType.COSIGNATURE).vkey, "no key for offers"),
    ],
)
def test_what_is_no_key_is_told(tmp_path: Path, key: str, told: str) -> None:
    """By field, with the remedy."""
    changed = table()
    changed["remote"] = {"operator_key": key}
    with pytest.raises(ConfigErrors, match="operator-key new") as caught:
        config_of(tmp_path, changed)
    assert told in str(caught.value)
