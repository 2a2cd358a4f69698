"""The example that installers copy is a configuration that the agent takes."""

import re
from pathlib import Path

import pytest

import edge_agent
from edge_agent.config.fields import Section
from edge_agent.config.file import load_config
from protocols.evidence.note import KeyType, Signer
from tests.edge_agent.gateway import write_ca

EXAMPLE = Path(edge_agent.__file__).parent / "gateway.example.toml"


@pytest.fixture
def path(tmp_path):
    """The example with central's CA and key filled in."""
    key = Signer.from_private_bytes("central", bytes(32), KeyType.COSIGNATURE).vkey
    text = EXAMPLE.read_text(encoding="utf-8").replace("central+00000000+REPLACE", key)
    write_ca(tmp_path)
    path = tmp_path / "gateway.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_example_has_no_fault(path):
    """With central's CA and key filled in, the example is read without a fault."""
    config = load_config(path)
    assert [run.run for run in config.runs] == ["R1", "R2"]
    assert len(config.devices) == 5


def test_the_example_names_every_setting(path, monkeypatch):
    """Whatever key the agent looks for while it reads stands in the example, used or explained."""
    asked, done = set(), Section.done
    monkeypatch.setattr(Section, "done", lambda self: (asked.update(self._asked), done(self))[1])
    load_config(path)
    assert len(asked) > 80
    assert asked - set(re.findall(r"\w+", EXAMPLE.read_text(encoding="utf-8"))) == set()
