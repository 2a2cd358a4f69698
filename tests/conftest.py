"""What holds for every test: no property fails because a machine is slow."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")


@pytest.fixture(autouse=True)
def _measured_by_themselves(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What coverage adds to a process is not the process's own memory, imports or files."""
    if request.node.get_closest_marker("uncovered") is not None:
        for name in ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG"):
            monkeypatch.delenv(name, raising=False)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files of few tests first: they start processes and wait, and what waits at the end waits
    alone. (`loadfile` takes them in this order where it is told not to find one of its own.)
    """
    tests_of = Counter(item.path for item in items)
    items.sort(key=lambda item: (tests_of[item.path], item.path))
