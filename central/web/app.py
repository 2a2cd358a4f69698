"""The web application: pages, JSON API, health."""

from collections.abc import Callable

from starlette.applications import Starlette

from central.store.database import Store


def create_app(store: Store, now_ms: Callable[[], int]) -> Starlette:
    """The application over one store; `now_ms` is central's clock, UTC milliseconds."""
    raise NotImplementedError
