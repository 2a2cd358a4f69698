"""Another instrument in a place: found by name, by place and by run; what may come beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.config_store.exchange import exchanges_of, named
from tests.edge_agent.gateway import TOML, write_ca

P2 = '[[device]]\nname = "p-2"\nbus = "line-1"\nunit = 7\nprofile = "keller-33x"\nserial = "P2"\npoll_seconds = 2\n'  # noqa: E501
METER = TOML[TOML.index('[[device]]\nname = "meter-1"') : TOML.index('[[device]]\nname = "p-1"')]
RUN = TOML[TOML.index("[[run]]") : TOML.index("[[regulator]]")]
CHANGED = (
    "[run.meter_change]\nold_serial = \"M1\"\nold_end_index_m3 = 1\nnew_start_index_m3 = 0\n"
    "at = \"now\"\nby = \"Li\"\nreason = \"r\"\n"
)  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_ca(tmp_path)
    return tmp_path / "gateway.toml"


def edited(*pairs: tuple[str, str]) -> str:
    text = TOML
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return text


SERIAL = ('serial = "M1"', 'serial = "M2"')
BATCH = ("batch_seconds = 300", "batch_seconds = 60")
CASES = {
    "nothing": (edited(), [], []),
    "a setting": (edited(BATCH), [], []),
    "a serial": (edited(SERIAL), ["meter-1: M1 -> M2"], []),
    "told": (
        edited(SERIAL, ("[[regulator]]", CHANGED + "[[regulator]]")),
        ["meter-1: M1 -> M2"],
        [],
    ),
    "another name and place": (
        edited(
            SERIAL, ('"meter-1"', '"gas-meter"'),
            ("unit = 1\nprofile = \"sick", "unit = 9\nprofile = \"sick"),
        ),
        ["R1: M1 -> M2"],
        [],
    ),
    "another name": (
        edited(SERIAL, ('"meter-1"', '"gas-meter"')), ["meter-1: M1 -> M2"], []
    ),
    "of another type": (
        edited(SERIAL, ('serial = "M2"\npoll_seconds = 2', 'serial = "M2"\npoll_seconds = 4')),
        ["meter-1: M1 -> M2"],
        [],
    ),
    "a transmitter": (edited(('"P1"', '"P9"')), ["p-1: P1 -> P9"], []),
    "beside a setting of central": (
        edited(SERIAL, BATCH), ["meter-1: M1 -> M2"], ["central.batch_seconds"]
    ),
    "beside another's address": (
        edited(SERIAL, ("unit = 2", "unit = 3")),
        ["meter-1: M1 -> M2"],
        ["device[p-1].unit"],
    ),
    "beside a bus that others use": (
        edited(SERIAL, ('port = "line-1"', 'port = "line-1"\nbaud = 19200')),
        ["meter-1: M1 -> M2"],
        ["bus[line-1].baud"],
    ),
    "beside a bus of its own": (
        edited(
            ('"T1"', '"T2"'), ("timeout_s = 0.1", "timeout_s = 0.2")
        ),
        ["t-1: T1 -> T2"],
        [],
    ),
    "two change places": (
        edited(
            ("unit = 1\nprofile = \"sick", "unit = 77\nprofile = \"sick"), ("unit = 2", "unit = 1"),
            ("unit = 77", "unit = 2"),
        ),
        [],
        [],
    ),
    "another address alone": (edited(("unit = 2", "unit = 3")), [], []),
    "another device more": (edited(("[[gas]]", P2 + "[[gas]]")), [], []),
    "a run without its meter": (edited((METER, ""), (RUN, "")), ["R1: M1 -> -"], []),
    "that beside more": (
        edited((METER, ""), (RUN, ""), BATCH), ["R1: M1 -> -"], ["central.batch_seconds"]
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_is_exchanged_and_what_comes_beside(path: Path, case: str) -> None:
    """Alone it has no trial; beside what a trial must show, another device is refused."""
    new, found, beside = CASES[case]
    told = exchanges_of(TOML.encode(), new.encode(), path)
    assert [str(each) for each in told.found] == found
    assert list(told.beside) == beside
    assert told.is_alone == bool(found and not beside)
    assert bool(told.fault) == bool(beside and found[0][-1] != "-")
    if told.fault:
        assert found[0] in told.fault
        assert beside[0] in told.fault


def test_what_cannot_be_read_exchanges_nothing(path: Path) -> None:
    """It is not known; nothing is said."""
    assert exchanges_of(b"no toml", TOML.encode(), path).found == ()


def test_very_many_are_counted() -> None:
    """The first six by name."""
    assert named(list(range(9))) == "0, 1, 2, 3, 4, 5 and 3 more"
