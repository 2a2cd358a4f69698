"""What the kernel tells of the network."""

import shutil
import subprocess
import sys

import pytest

from edge_agent.link_test.network import (
    default_v4,
    default_v6,
    parse_if_inet6,
    parse_names,
    read_network,
    source_of,
)

ROUTES = """Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
wwan0\t00000000\t010200C0\t0003\t0\t0\t700\t00000000\t0\t0\t0
eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0
eth1\t00000000\t010200C0\t0002\t0\t0\t1\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
"""
V6 = (
    f"{'0' * 32} 00 {'0' * 32} 00 {'fe80' + '0' * 28} 00000400 00000001 00000000 00450003 eth0\n"
    f"{'0' * 32} 00 {'0' * 32} 00 {'0' * 32} ffffffff 00000001 00000000 00200200 lo\n"
)


def test_default_routes() -> None:
    """The least metric first; a route that is not up is none, nor is the kernel's own on lo."""
    assert default_v4(ROUTES) == ("eth0", "wwan0")
    assert default_v6(V6) == ("eth0",)
    assert default_v4("") == default_v6("") == ()


def test_names() -> None:
    """Two lines of heads come first."""
    text = "Inter-| Receive\n face |bytes\n    lo: 1 2\nwwan0:3 4\nodd line\n"
    assert parse_names(text) == ["lo", "wwan0"]
    assert parse_names("") == []


def test_addresses_of_ipv6() -> None:
    """Without link-local ones."""
    text = (
        "20010db8000000000000000000000001 02 40 00 80     eth0\n"
        "fe80000000000000000000000000abcd 02 40 20 80     eth0\n"
    )
    assert parse_if_inet6(text) == {"eth0": ("2001:db8::1",)}


def test_this_machine_has_itself() -> None:
    """lo is there, and leads to ourselves."""
    found = {one.name: one for one in read_network().interfaces}
    assert "127.0.0.1" in found["lo"].addresses
    assert source_of("127.0.0.1", 443) == "127.0.0.1"


def test_a_network_of_nothing() -> None:
    """In an empty network namespace: no route, no address but perhaps lo's."""
    if shutil.which("unshare") is None:
        pytest.skip("no unshare here")
    code = (
        "from edge_agent.link_test.network import *; n = read_network();"
        "print(n.default, n.usable, source_of('192.0.2.1', 443))"
    )
    command = ["unshare", "--net", sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "Operation not permitted" in done.stderr:
        pytest.skip("a network namespace cannot be made here")
    assert done.stdout.strip() == "() () None", done.stderr


def test_no_proc_is_no_network(tmp_path) -> None:
    """Where the kernel tells nothing, nothing is known."""
    assert read_network(tmp_path).interfaces == ()
