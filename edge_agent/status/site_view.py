"""What `queue`, `storage`, `time` and the looks into the log begin with: the agent, or none.

A running agent is asked; the journal is read beside it, or without one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from edge_agent.control.client import NoAgent
from edge_agent.journal.newest import NewestReader
from edge_agent.journal.reader import ReadFailed
from edge_agent.journal.sharing import why_not
from edge_agent.status.command import NotAsked, ask_snapshot
from edge_agent.status.model import Snapshot
from edge_agent.status.site_files import NoSite, SiteFiles, site_files

FAILURES = (NoSite, NotAsked, ReadFailed)
"""What `view` raises; each says the remedy."""


class View(NamedTuple):
    """One gateway. `agent`: None where none runs; `held`: its journal, None where whoever asks may
    not read it and the agent's word must do.
    """

    files: SiteFiles
    agent: Snapshot | None
    held: NewestReader | None

    @property
    def reader(self) -> NewestReader:
        """The journal, for what cannot do without. Raises NotAsked."""
        if self.held is None:
            raise NotAsked(why_not(self.files.journal))
        return self.held

    @property
    def zone(self) -> str:
        """Of the site."""
        return self.files.zone if self.agent is None else self.agent.zone


@contextmanager
def view(path: Path) -> Iterator[View]:
    """By its gateway.toml. Raises FAILURES."""
    files = site_files(path)
    try:
        agent: Snapshot | None = ask_snapshot(files, with_values=False)
    except NoAgent:
        agent = None
    gateway = files.gateway or (agent.gateway if agent is not None else "")
    forbidden = why_not(files.journal)
    if forbidden:
        if agent is None:
            raise NotAsked(forbidden)
        yield View(files, agent, None)
        return
    reader = NewestReader(files.journal, gateway)
    try:
        yield View(files, agent, reader)
    finally:
        reader.close()
