"""One told store and its pages for all tests of this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from central.store.database import Store, create_store
from central.web.app import create_app
from tests.central.web import story
from tests.central.web.serving import serving


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    made = story.told_store(tmp_path_factory.mktemp("told"))
    yield made
    made.close()


@pytest.fixture(scope="session")
def site(store: Store) -> Iterator[str]:
    """The address of the pages, whose clock stands twenty seconds after the last upload."""
    with serving(create_app(store, lambda: story.NOW_MS)) as address:
        yield address


@pytest.fixture
def empty_site(tmp_path: Path) -> Iterator[str]:
    """The address of a central that nobody has told anything."""
    made = create_store(tmp_path / "empty")
    with serving(create_app(made, lambda: story.NOW_MS)) as address:
        yield address
    made.close()
