"""A site from a bare state directory to uploads that central accepts: by a fitter, by a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from central.store.database import open_store
from central.store.ledger_tables import statement
from edge_agent.config.file import load_config
from tests.edge_agent.commission.fitter import Fitter
from tests.system.bare_rig import BareRig
from tests.system.rig import GATEWAY

BEGUN = 20  # answers before the fitter is called away
OPTIONS = ("--state", "state", "--wait", "0")


def walk(rig: BareRig, token: str) -> list[tuple[str, str]]:
    """What the fitter is asked, and answers: a line with a meter and two transmitters."""
    return [
        ("site called", "Boiler house 3"),
        ("Customer number", "100-2231"),
        ("Time zone", "Asia/Shanghai"),
        ("gas day", ""),
        ("Altitude", "500"),
        ("Atmospheric pressure", "95.5"),
        ("Address of central", rig.url),
        ("Token", token),
        ("connected", "rtu"),
        ("Which serial port", rig.buses["line-1"]["port"]),
        ("looked for", "n"),
        ("Baud", ""),
        ("Parity", ""),
        ("Is there another line", ""),
        ("Look for instruments", "1-3"),
        ("Address 1 on", "sick-flowsic500"),
        ("short name", "meter-1"),
        ("Serial number of meter-1", ""),
        ("Address 2 on", "keller-33x"),
        ("short name", "p-1"),
        ("Serial number on the plate of p-1", "330041"),
        ("Address 3 on", "rosemount-3095fb"),
        ("short name", "t-1"),
        ("Serial number on the plate of t-1", "95310"),
        ("named by hand", ""),
        ("A meter run", ""),
        ("is the meter", ""),
        ("Qmin", "16"),
        ("Qmax", "1000"),
        ("digits", ""),
        ("Vm is how many", ""),
        ("Vb is how many", ""),
        ("Vm was read", ""),
        ("Vb was read", ""),
        ("convert to base", "4"),
        ("base temperature", ""),
        ("base pressure", ""),
        ("name of its gas", ""),
        ("known of gas", "figures"),
        ("at 25/0", "40.66"),
        ("relative density", "0.581"),
        ("CO2", "0.006"),
        ("hydrogen", ""),
        ("energy", ""),
        ("shows the pressure", "p-1"),
        ("is the pressure", ""),
        ("gauge or absolute", "gauge"),
        ("measuring range", "0-10 bar"),
        ("while it fails", "400"),
        ("gas temperature", "t-1"),
        ("range of t-1", ""),
        ("while it fails, in degrees", ""),
        ("regulator", ""),
        ("Your name", "Li Wei"),
        ("remark", "WO 17"),
    ]


@pytest.mark.long
def test_a_fitter_commissions_a_site(tmp_path: Path) -> None:
    """Interrupted and resumed, approved meanwhile, signed; the agent's uploads are accepted."""
    with BareRig(tmp_path) as rig:
        token = rig.token(GATEWAY)
        answers = walk(rig, token)
        with Fitter(tmp_path, *OPTIONS) as fitter:
            fitter.answers_all(answers[:BEGUN])
            fitter.sees("Serial number on the plate of p-1")
            assert fitter.stops() == 1
        assert token not in (tmp_path / "gateway.toml.answers").read_text()
        assert not (tmp_path / "gateway.toml").exists()
        rig.approves(GATEWAY)
        with Fitter(tmp_path, *OPTIONS, "--resume") as fitter:
            fitter.answers("Token", token)
            fitter.answers_all(answers[BEGUN:])
            fitter.answers("go on")
            fitter.answers("go on")
            fitter.answers("Is all of this", "y")
            assert fitter.terminal.end() == 0
            assert "Commissioned: gw-1" in fitter.terminal.text() or fitter.terminal.raw
            screen = fitter.terminal.raw.decode()
        assert "receipt verified" in screen
        assert token not in screen
        polls_and_sends(rig)
        rig.note_secrets()
        rig.secrets.add(token.encode())
        assert rig.leaks() == []
        sheet = (tmp_path / f"commissioning-{GATEWAY}.txt").read_text()
        assert "100-2231" in sheet
        rig.wait("the ledger", lambda: has_all(rig))
        rig.stop("central")
        told = statements(rig)
        assert [(subject, fields["customer"]) for subject, fields in told] == [
            ("", "100-2231"),
            ("R1", "100-2231"),
        ]
        assert told[1][1]["meter_serial"] == "21450301"
        assert told[1][1]["start_vm_m3"].startswith("123")
        assert load_config(tmp_path / "gateway.toml").site.customer == "100-2231"


FILE = """
commission.who = "Li Wei"
[site]
name = "Boiler house 3"
zone = "Asia/Shanghai"
altitude_m = 500
atmospheric_pressure_kpa = 95.5
[central]
url = "{url}"
[bus]
line-1 = {{ type = "rtu", port = "{port}" }}
[device]
meter-1 = {{ unit = 1, profile = "sick-flowsic500" }}
p-1 = {{ unit = 2, profile = "keller-33x", serial = "330041" }}
t-1 = {{ unit = 3, profile = "rosemount-3095fb", serial = "95310" }}
[run.R1]
meter = "meter-1"
qmin_m3_h = 16
method = "fixed-K"
k = 0.98
pressure_device = "p-1"
pressure_kind = "gauge"
pressure_range = "0-10 bar"
pressure_substitute_kpa_abs = 400
temperature_device = "t-1"
"""


@pytest.mark.long
def test_a_file_commissions_a_site(tmp_path: Path) -> None:
    """A template and a row; not approved at first, then the same command again."""
    with BareRig(tmp_path) as rig:
        token = rig.token(GATEWAY)
        text = FILE.format(url=rig.url, port=rig.buses["line-1"]["port"])
        (tmp_path / "template.toml").write_text(text)
        (tmp_path / "sites.csv").write_text(
            f"gateway,site.customer,run.R1.qmax_m3_h,central.token\n{GATEWAY},100-7,1000,{token}\n"
        )
        given = ("--answers", "template.toml", "--table", "sites.csv", "--row", GATEWAY)
        command = ("edge-agent", "commission", "--config", "gateway.toml", *OPTIONS, *given)
        rig.command(*command, status=1)
        assert not (tmp_path / "gateway.toml").exists()
        rig.approves(GATEWAY)
        told = json.loads(rig.command(*command, "--write-answers", "kept.toml", "--json"))
        assert (told["commissioned"], told["link_good"], told["statements"]) == (True, True, 2)
        assert token not in (tmp_path / "kept.toml").read_text()
        polls_and_sends(rig)
        (tmp_path / "template.toml").write_text(text.replace("k = 0.98", "k = 0.97"))
        rig.start("agent")
        rig.wait("polls", lambda: rig.has_said("agent", "t-1: sends its floats"))
        again = rig.command(*command)
        assert "The running agent takes it over" in again
        rig.wait("the new configuration", lambda: rig.has_said("agent", "read again"))
        rig.stop("agent")
        rig.wait("the ledger", lambda: has_all(rig))
        rig.stop("central")
        told = statements(rig)
        assert [fields["k"] for subject, fields in told if subject] == ["0.98", "0.97"]
        run = told[1][1]
        assert run["customer"] == "100-7"
        assert run["display_line_m3"] is None  # nobody read it off


def has_all(rig: BareRig) -> bool:
    """The ledger is at the log's end; no interval need be there yet."""
    summary = rig.summary()
    return summary is not None and summary["ledger_leaves"] == summary["leaves"] > 0


def polls_and_sends(rig: BareRig) -> None:
    """The agent runs by what was written; at its end it sends all, and central takes it."""
    before = rig.head()
    rig.start("agent")
    rig.wait("polls", lambda: rig.has_said("agent", "t-1: sends its floats"))
    rig.stop("agent")
    assert "without a receipt" not in rig.log("agent")
    assert rig.head() > before


def statements(rig: BareRig) -> list[tuple[str, dict[str, str]]]:
    """Subject and fields of each act `commissioned`, as central holds them."""
    store = open_store(rig.store)
    try:
        with store.engine.connect() as conn:
            rows = conn.execute(statement.select().order_by(statement.c.seq)).mappings().all()
    finally:
        store.close()
    return [(row["subject"], dict(json.loads(row["fields"]))) for row in rows
            if row["code"] == "commissioned"]  # fmt: skip
