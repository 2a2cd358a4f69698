"""Names within a bound, whatever the system's resolver does."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from time import monotonic
from typing import Any

import pytest

from edge_agent.uplink.resolver import MAX_ADDRESSES, Resolver, Unresolved


class Names:
    """A resolver of the system, that hangs or fails as the test says."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.go_on.set()
        self.error: OSError | None = None
        self.found = ["192.0.2.1"]
        self.asked = 0

    def __call__(self, _host: str, port: int) -> list[tuple[Any, ...]]:
        self.asked += 1
        self.go_on.wait(20.0)
        if self.error is not None:
            raise self.error
        return [(2, 1, 6, "", (address, port)) for address in self.found]


@pytest.fixture
def names() -> Iterator[Names]:
    found = Names()
    yield found
    found.go_on.set()


def test_the_system_knows_localhost() -> None:
    """A name, and an address that needs no look-up."""
    assert "127.0.0.1" in Resolver().addresses("localhost", 443)
    assert Resolver().addresses("192.0.2.7", 443) == ("192.0.2.7",)


def test_a_resolver_that_hangs_ends_at_the_deadline(names: Names) -> None:
    """And is not asked again while it hangs: threads are bounded too."""
    names.go_on.clear()
    resolver = Resolver(0.05, names)
    for _ in range(3):
        begun = monotonic()
        with pytest.raises(Unresolved, match=r"central\.example could not be resolved: no answer"):
            resolver.addresses("central.example", 443)
        assert monotonic() - begun < 3.0
    with pytest.raises(Unresolved, match="another name"):
        resolver.addresses("proxy.example", 3128)
    assert names.asked == 1
    names.go_on.set()
    assert Resolver(5.0, names).addresses("central.example", 443) == ("192.0.2.1",)


def test_what_hung_is_taken_when_it_comes(names: Names) -> None:
    """The next try waits for the same look-up."""
    names.go_on.clear()
    resolver = Resolver(0.5, names)
    with pytest.raises(Unresolved):
        resolver.addresses("central.example", 443)
    threading.Timer(0.05, names.go_on.set).start()
    assert resolver.addresses("central.example", 443) == ("192.0.2.1",)
    assert names.asked == 1


def test_the_last_address_holds_on(names: Names) -> None:
    """Where the name is not found now: central's certificate says whether it is central."""
    resolver = Resolver(5.0, names)
    assert resolver.addresses("central.example", 443) == ("192.0.2.1",)
    names.error = socket.gaierror(-3, "Temporary failure in name resolution")
    assert resolver.addresses("central.example", 443) == ("192.0.2.1",)
    names.error, names.found = None, ["192.0.2.2"]
    assert resolver.addresses("central.example", 443) == ("192.0.2.2",)


def test_a_name_that_is_not_there(names: Names) -> None:
    """The system's own words, and which name."""
    names.error = socket.gaierror(-2, "Name or service not known")
    with pytest.raises(Unresolved, match=r"central\.example.*Name or service not known"):
        Resolver(5.0, names).addresses("central.example", 443)
    names.error, names.found = None, []
    with pytest.raises(Unresolved, match="no address"):
        Resolver(5.0, names).addresses("central.example", 443)
    with pytest.raises(Unresolved):
        Resolver(5.0).addresses("x" * 70 + ".example", 443)


def test_many_addresses_are_bounded(names: Names) -> None:
    """Each once, in the system's order."""
    names.found = [f"192.0.2.{n}" for n in (1, 1, 2, 3, 4, 5, 6)]
    found = Resolver(5.0, names).addresses("central.example", 443)
    assert found == ("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4")
    assert len(found) == MAX_ADDRESSES
