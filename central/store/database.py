"""The store: one directory, one engine."""

from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Engine


class Store(NamedTuple):
    """Central's store; `with store.engine.connect() as conn` reads, `.begin()` writes."""

    directory: Path
    engine: Engine
