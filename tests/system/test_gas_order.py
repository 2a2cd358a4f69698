"""Gas sent by central, with real processes: plant, central over TLS, an agent that is killed."""

import datetime
import json
import re
import sqlite3
import sys
from pathlib import Path
from typing import Any

from central.ledger.law import law
from central.store.database import open_store
from protocols.evidence.leaf import decode_leaf
from protocols.metering.run_config import RunConfig
from tests.system.rig import PROGRAMS, Rig

GAS = "grid"  # as the plant's gateway.toml names it
OLD, NEW = 0, 945_000_000  # methane: none in the file's four figures; of the gas that is sent
SENT = {"methane": 0.945, "ethane": 0.03, "propane": 0.01, "nitrogen": 0.01, "CO2": 0.005}
# This machine's clock may be steered by nobody, and an order waits for one that is. Only what the
# kernel says of the clock is replaced.
SYNCHRONISED = """
import sys
import edge_agent.clock
from protocols.metering.instant import ClockState
edge_agent.clock.clock_state = lambda: ClockState.SYNCHRONISED
from edge_agent.cli import main
sys.exit(main())
"""
COMMAND = [str(PROGRAMS / Path(sys.executable).name), "-c", SYNCHRONISED, "run"]


def ask(rig: Rig, query: str, *values: object) -> list[tuple[Any, ...]]:
    with sqlite3.connect(rig.store / "central.sqlite3") as connection:
        rows = connection.execute(query, values).fetchall()
    connection.close()
    return rows


def orders_told(rig: Rig) -> list[str]:
    """Codes of the events of orders at central, in the order of the log."""
    query = "SELECT code FROM event WHERE code LIKE 'gas_order%' ORDER BY epoch, seq"
    return [code for (code,) in ask(rig, query)]


def believe_orders(rig: Rig) -> None:
    """The technician writes central's order key into gateway.toml and starts the agent anew."""
    key = rig.command("edge-central", "order-key", "--store", "store").strip()
    path = rig.directory / "gateway.toml"
    text = re.sub(r"(?m)^receipt_key = ", f'order_key = "{key}"\nreceipt_key = ', path.read_text())
    path.write_text(text)
    rig.kill("agent")
    rig.commands["agent"] = [*COMMAND, "--config", "gateway.toml"]
    rig.start("agent")


def send(rig: Rig, in_s: float) -> int:
    """Send the new gas; its effective time in UTC ms."""
    (rig.directory / "gas.json").write_text(json.dumps(SENT))
    at = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=in_s)
    told = rig.command(
        *("edge-central", "gas", "send", "--store", "store", "--gateway", "gw-1", "--gas", GAS),
        *("--composition", "gas.json", "--effective", at.isoformat(), "--who", "Li Wei"),
    )
    assert "order 1 to gw-1: gas grid" in told
    return round(at.timestamp() * 1000)


def intervals(rig: Rig) -> list[tuple[int, int, int, str]]:
    """Methane by the configuration in force (-1: another gas), start, end, central's recompute."""
    configs: dict[bytes, int] = {}
    for hash_, leaf in ask(rig, "SELECT hash, leaf FROM configuration WHERE run != ''"):
        config = RunConfig.from_body(decode_leaf(leaf).body)
        methane = config.gas.composition[0] if config.gas.composition else 0
        configs[hash_] = methane if config.gas.name == GAS else -1
    query = "SELECT config_hash, start_utc_ms, end_utc_ms, recompute FROM interval ORDER BY seq"
    return [(configs[hash_], *rest) for hash_, *rest in ask(rig, query)]


def test_an_order_changes_the_gas_at_its_time(tmp_path: Path) -> None:
    """Old gas up to it, new gas from it on; killed before and after, it applies once; the law."""
    with Rig(tmp_path) as rig:
        rig.wait("the first intervals", lambda: (rig.summary() or {}).get("intervals", 0) >= 3)
        believe_orders(rig)
        effective_ms = send(rig, in_s=15.0)
        rig.wait("the order's arrival", lambda: "gas_order_received" in orders_told(rig))
        rig.kill("agent")
        rig.start("agent")
        rig.wait("the order in force", lambda: "gas_order_in_force" in orders_told(rig))
        rig.kill("agent")
        rig.start("agent")
        before = len(intervals(rig))
        rig.wait("intervals of the new gas", lambda: len(intervals(rig)) >= before + 6)
        rig.stop("agent")
        rig.wait("central's ledger", rig.has_followed)
        listed = rig.command("edge-central", "gas", "list", "--store", "store")
        assert listed.split("\t")[4:] == ["in force", "Li Wei\n"]
        rig.stop("central")
        assert orders_told(rig) == ["gas_order_received", "gas_order_in_force"]
        _check(rig, effective_ms)


def _check(rig: Rig, effective_ms: int) -> None:
    found = intervals(rig)
    assert {recompute for *_, recompute in found} == {"agrees"}
    old = [row for row in found if row[0] == OLD]
    new = [row for row in found if row[0] == NEW]
    assert len(old) >= 3
    assert len(new) >= 2
    assert all(start_ms < effective_ms for _, start_ms, _, _ in old)
    assert all(start_ms >= effective_ms for _, start_ms, _, _ in new)
    for _, _, end_ms, _ in old:
        assert end_ms < effective_ms + 5_000, "with the first scan at or after its time it closed"
    who = ask(rig, "SELECT DISTINCT who FROM event WHERE detail = 'gas.composition[0]'")
    assert who == [("central: Li Wei, order 1",)]
    assert ask(rig, "SELECT count(*) FROM alarm") == [(0,)]
    store = open_store(rig.store)
    try:
        with store.engine.connect() as conn:
            rows = law(conn)
    finally:
        store.close()
    assert rows
    assert all(row.holds for row in rows)
    assert {row.segment for row in rows} == {0}
