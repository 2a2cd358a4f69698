"""The example that installers copy is a configuration that the agent takes."""

from pathlib import Path

import edge_agent
from edge_agent.config_file import load_config
from protocols.evidence.note import KeyType, Signer
from tests.edge_agent.gateway import write_ca

EXAMPLE = Path(edge_agent.__file__).parent / "gateway.example.toml"


def test_the_example_has_no_fault(tmp_path):
    """With central's CA and key filled in, the example is read without a fault."""
    key = Signer.from_private_bytes("central", bytes(32), KeyType.COSIGNATURE).vkey
    text = EXAMPLE.read_text(encoding="utf-8").replace("central+00000000+REPLACE", key)
    write_ca(tmp_path)
    path = tmp_path / "gateway.toml"
    path.write_text(text, encoding="utf-8")
    config = load_config(path)
    assert [run.run for run in config.runs] == ["R1", "R2"]
    assert len(config.devices) == 5
