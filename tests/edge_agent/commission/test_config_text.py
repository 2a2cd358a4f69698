"""The text of gateway.toml: golden, and the same table when it is read."""

from __future__ import annotations

import os
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st

from edge_agent.commission.closing import candidate_of
from edge_agent.commission.config_text import config_text
from edge_agent.commission.document import document
from edge_agent.config.file import load_config, parse_config
from edge_agent.language import Words, load_words
from tests.edge_agent.commission.test_document import whole
from tests.edge_agent.gateway import RECEIPTS

GOLDEN = Path(__file__).parent / "golden"
RENEW = bool(os.environ.get("RENEW_GOLDEN"))

VALUES = st.one_of(
    st.booleans(),
    st.integers(-(10**9), 10**9),
    st.decimals(-(10**6), 10**6, allow_nan=False, places=3),
    st.text(max_size=20),
)
TABLES = st.dictionaries(st.text(max_size=9), VALUES, max_size=5)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_golden(tmp_path: Path, language: str) -> None:
    """Byte for byte; RENEW_GOLDEN=1 writes it anew, to be read by a person."""
    words = load_words("edge_agent.commission", chinese=language == "zh")
    answers = whole(tmp_path, gateway__state_dir="/var/lib/edge-agent")
    text = candidate_of(answers, words).decode()
    text = text.replace(RECEIPTS.vkey, "central+00000000+KEY")
    golden = GOLDEN / f"gateway.{language}.toml"
    if RENEW:
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("chinese", [False, True])
def test_the_agent_reads_what_was_answered(tmp_path: Path, chinese: bool) -> None:
    """The file is the same configuration as the answers."""
    answers = whole(tmp_path)
    words = load_words("edge_agent.commission", chinese=chinese)
    path = tmp_path / "gateway.toml"
    path.write_bytes(candidate_of(answers, words))
    assert load_config(path).to_body()[:5] == parse_config(document(answers), path).to_body()[:5]
    assert load_config(path).runs == parse_config(document(answers), path).runs


@hypothesis_given(TABLES, TABLES, st.lists(TABLES, max_size=2))
def test_any_table_is_read_back(site: Any, pressure: Any, runs: Any) -> None:
    """Quotes, control characters, any script; a table under an entry of an array."""
    runs = [{**run, "pressure": pressure} for run in runs]
    table = {"site": site, **({"run": runs} if runs else {})}
    text = config_text(table, Words({}), ("a", "b"))
    assert tomllib.loads(text, parse_float=Decimal) == table
