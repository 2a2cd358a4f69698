"""From our own interface to central's clock."""

from edge_agent.config.connection_windows import parse_windows
from edge_agent.link_test.modem import Modem
from edge_agent.link_test.network import Interface, Network
from edge_agent.link_test.tour import judge_interfaces, judge_modem, judge_windows
from tests.edge_agent.gateway import config_of

LO = Interface("lo", True, True, ("127.0.0.1",))


def test_interfaces() -> None:
    """One with an address is enough; central on this machine needs none."""
    eth = Interface("eth0", True, True, ("192.0.2.7",))
    assert judge_interfaces(Network((LO, eth), ()), "central").light == "good"
    dead = Network((LO, eth._replace(addresses=())), ())
    assert judge_interfaces(dead, "central").code == "link_no_interface"
    assert judge_interfaces(dead, "127.0.0.1").light == "good"


def test_modems() -> None:
    """A weak signal and a locked SIM are told; without a modem nothing is."""
    assert judge_modem(None) is None
    modem = Modem("connected", 61, "lte", "CHN-UNICOM", "")
    cases = ((modem, ""), (modem._replace(signal_percent=19), "modem_weak"),
             (modem._replace(state="failed"), "modem_failed"),
             (modem._replace(signal_percent=None), ""))  # fmt: skip
    for one, code in cases:
        step = judge_modem(one)
        assert step is not None
        assert step.code == code


def test_windows(tmp_path) -> None:
    """Told with how long it takes until they open, at most ten minutes: clocks change."""
    central = config_of(tmp_path).central
    assert judge_windows(central, 0) is None
    closed = central.__class__(**{
        **{name: getattr(central, name) for name in central.__slots__},
        "windows": parse_windows("UTC", ["01:00-02:00"]),
    })  # fmt: skip
    step = judge_windows(closed, 3_300_000)
    assert step is not None
    assert step.facts == {"wait": "5 min"}
