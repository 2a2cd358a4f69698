"""The end: in force, recorded, on paper; and what is told where it cannot be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge_agent.commission.answers import Key
from edge_agent.commission.batch import fill
from edge_agent.commission.closing import CannotClose, close, put_file
from edge_agent.commission.review import reread
from edge_agent.commission.session import Session
from edge_agent.commission.sight import Sight
from edge_agent.config.file import load_config
from edge_agent.config_store.files import ConfigFiles
from edge_agent.journal.journal import FILE_NAME
from edge_agent.journal.reader import JournalReader
from edge_agent.language import load_words
from protocols.evidence.leaf import Kind, Log
from protocols.evidence.statement import Statement, parse_statement
from tests.edge_agent.acts.corrector import agent
from tests.edge_agent.commission.site import site
from tests.edge_agent.ledger_law import read_journal

WORDS = load_words("edge_agent.commission", chinese=False)


def filled(answers: dict[Key, str], directory: Path) -> dict[Key, str]:
    """All answers, with what the instruments tell."""
    path = directory / "gateway.toml"
    session = Session(answers, path, directory / "state", Sight(answers, path, 0.0, print))
    assert fill(session, dict(answers), WORDS) == []
    return answers


def test_a_site_is_in_force_recorded_and_on_paper(tmp_path: Path) -> None:
    """One statement of the gateway, one of the run, with the indexes as they were read."""
    path = tmp_path / "gateway.toml"
    with site(tmp_path) as (answers, _, _):
        filled(answers, tmp_path)
        closed = close(answers, {}, path, WORDS, reread)
        again = close(answers, {}, path, WORDS, reread)
    assert load_config(path).runs == closed.config.runs
    assert closed.statements == again.statements == 2
    assert "123456.789 m3" in closed.sheet.read_text()
    said = statements(tmp_path / "state" / FILE_NAME)
    assert [subject for subject, _ in said] == ["", "R1", "", "R1"]
    fields = dict(said[1][1].fields)
    assert (fields["start_vm_m3"], fields["display_line_m3"]) == ("123456.789", None)
    assert said[0][1].who.startswith("Li Wei (own word")
    assert said[0][1].why == "WO 17"


@pytest.mark.long
def test_another_meter_beside_a_running_agent(tmp_path: Path) -> None:
    """Another address of central comes with it; no trial; recorded by the agent that has the new
    one, which says what became of the old one.
    """
    path = tmp_path / "gateway.toml"
    with site(tmp_path) as (answers, _, _):
        filled(answers, tmp_path)
        close(answers, {}, path, WORDS, reread)
        with agent(path):
            answers["device", "meter-1", "serial"] = "M2"
            answers["central", "url"] = "https://localhost:2"
            closed = close(answers, {}, path, WORDS, reread)
            assert closed.agent_runs
    files = ConfigFiles(path, tmp_path / "state")
    assert (files.history().trial, files.history().current) == (None, 2)
    leaves = read_journal(tmp_path / "state" / FILE_NAME).leaves[Log.BILLING]
    order = [
        str(leaf.body[0])
        for leaf in leaves
        if leaf.kind is Kind.STATEMENT or leaf.body[:1] == ("meter_replaced",)
    ]
    said = [code for code in order if code != "health"]
    assert said == [*["commissioned"] * 2, "meter_replaced", *["commissioned"] * 2]


def test_a_faulty_configuration_does_not_come_into_force(tmp_path: Path) -> None:
    """The file that is there stays."""
    path = tmp_path / "gateway.toml"
    with site(tmp_path) as (answers, _, _):
        filled(answers, tmp_path)
        close(answers, {}, path, WORDS, reread)
        before = path.read_bytes()
        answers["gateway", "id"] = "gw-2"
        with pytest.raises(CannotClose, match="a gateway keeps"):
            close(answers, {}, path, WORDS, reread)
    assert path.read_bytes() == before


def statements(journal: Path) -> list[tuple[str, Statement]]:
    """Subject and statement, in their order."""
    reader = JournalReader(journal, "gw-1")
    try:
        cut = reader.cut(Log.BILLING, None, 100, 1 << 20)
    finally:
        reader.close()
    assert cut is not None
    return [
        (leaf.subject, parse_statement(leaf.body))
        for leaf in cut.leaves
        if leaf.kind is Kind.STATEMENT
    ]


def test_no_secret_lies_beside_the_configuration(tmp_path: Path) -> None:
    """Keys stay in the state directory."""
    path = tmp_path / "gateway.toml"
    with site(tmp_path) as (answers, _, _):
        filled(answers, tmp_path)
        close(answers, {}, path, WORDS, reread)
    secret = (tmp_path / "state" / "log.key").read_bytes().split(b"\n")[2]
    beside = [one for one in tmp_path.iterdir() if one.is_file()]
    assert beside
    assert [one for one in beside if secret in one.read_bytes()] == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_root_made_is_the_agents(tmp_path: Path) -> None:
    """Keys, journal, versions and gateway.toml: the service runs as another user."""
    agent, group = 12345, 12346
    path = tmp_path / "etc" / "gateway.toml"
    for folder in (tmp_path / "state", path.parent):
        folder.mkdir()
        os.chown(folder, agent, group)
    with site(path.parent) as (answers, _, _):
        session = Session(answers, path, tmp_path / "state", Sight(answers, path, 0.0, print))
        assert fill(session, dict(answers), WORDS) == []
        closed = close(answers, {}, path, WORDS, reread)
    made = [*(tmp_path / "state").rglob("*"), path, closed.sheet]
    assert len(made) > 8
    assert [one for one in made if one.stat().st_uid != agent] == []
    assert [one for one in made if one.stat().st_gid != group] == []


def test_a_link_beside_a_file_is_not_written_through(tmp_path: Path) -> None:
    """Root writes into the service's folder: the name of the half file is known before."""
    (tmp_path / "act.txt.new").symlink_to(tmp_path / "passwd")
    (tmp_path / "passwd").write_text("root")
    put_file(tmp_path / "act.txt", b"act", 0o644)
    assert (tmp_path / "act.txt").read_bytes() == b"act"
    assert not (tmp_path / "act.txt").is_symlink()
    assert (tmp_path / "passwd").read_text() == "root"
