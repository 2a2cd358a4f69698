"""A distant operator and a gateway, with real processes: plant, central over TLS, agent.

Good configurations are kept, bad ones taken back, relevant ones wait for consent on site, forged
ones are told; the first law holds over all of it.
"""

import hashlib
import re
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from central.offers import list_offers
from central.store.database import open_store
from tests.system.books import law_holds
from tests.system.rig import Rig

TRIAL_S = 5
WHO = ("--who", "Li Wei", "--reason", "system test")


class Remote:
    """The operator's laptop, the technician on site, and what central knows."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.number = 0
        self.path = rig.directory / "gateway.toml"
        self.store = open_store(rig.store)

    def text(self) -> str:
        return self.path.read_text()

    def believe(self) -> None:
        """The technician writes the operator's key into gateway.toml, and has it read again."""
        key = self.rig.command("edge-central", "operator-key", "new", "--out", "op.key").strip()
        remote = f'[remote]\noperator_key = "{key}"\ntrial_seconds = {TRIAL_S}\n'
        self.path.write_text(f"{remote}\n{self.text()}")
        self.rig._running["agent"].send_signal(signal.SIGHUP)
        self.rig.wait("the new file", lambda: self.events("configuration_applied") == 1)

    def offer(self, new: str, *, key: str = "op.key", base: str | None = None) -> int:
        """A configuration, offered for what is in force."""
        self.number += 1
        (self.rig.directory / "new.toml").write_text(new)
        held = hashlib.sha256(self.path.read_bytes()).hexdigest()
        self._sign("configuration", "--file", "new.toml", "--base", base or held, key=key)
        return self.number

    def ask(self, kind: str, *more: str) -> int:
        self.number += 1
        self._sign(kind, *more)
        return self.number

    def _sign(self, kind: str, *more: str, key: str = "op.key") -> None:
        self.rig.command(
            *("edge-central", "offer", "sign", "--key", key, "--gateway", "gw-1", "--kind", kind),
            *("--out", "offer.bin", "--number", str(self.number), *WHO, *more),
        )
        self.rig.command("edge-central", "offer", "add", "--store", "store", "offer.bin")

    def state(self, number: int) -> tuple[str, str]:
        """Of an offer, and the detail of what became of it."""
        with self.store.engine.connect() as conn:
            found = [one for one in list_offers(conn) if one.number == number]
        return (found[0].state, found[0].detail) if found else ("", "")

    def wait_for(self, number: int, state: str) -> str:
        self.rig.wait(f"offer {number} {state}", lambda: self.state(number)[0] == state)
        return self.state(number)[1]

    def events(self, code: str) -> int:
        """How many of them central's ledger has."""
        with sqlite3.connect(self.rig.store / "central.sqlite3") as connection:
            query = "SELECT count(*) FROM event WHERE code = ?"
            count: int = connection.execute(query, (code,)).fetchone()[0]
        connection.close()
        return count


def test_a_distant_operator(tmp_path: Path) -> None:
    """A good one kept; one that breaks a bus waits for consent, then comes back by itself."""
    _site(tmp_path, _good, _broken)


@pytest.mark.long
def test_all_that_a_distant_operator_may_do_and_may_not(tmp_path: Path) -> None:
    """Every kind of offer, every way of refusing one."""
    _site(tmp_path, _good, _broken, _cut_off, _relevant, _refused, _requests, _forged)


def _site(directory: Path, *acts: Callable[[Remote], None]) -> None:
    """A site on which this is done, one after the other; then the law."""
    with Rig(directory) as rig:
        remote = Remote(rig)
        rig.wait("the first intervals", lambda: (rig.summary() or {}).get("intervals", 0) >= 3)
        remote.believe()
        for act in acts:
            act(remote)
        before = (rig.summary() or {})["intervals"]
        rig.wait("more intervals", lambda: (rig.summary() or {})["intervals"] >= before + 3)
        rig.stop("agent")
        rig.wait("central's ledger", rig.has_followed)
        assert "Traceback" not in (rig.directory / "agent.log").read_text()
        rig.stop("central")
        assert remote.events("agent_died") == 0
        remote.store.close()
        _check_law(rig)


def _good(remote: Remote) -> None:
    """What is harmless needs no consent."""
    good = re.sub("(?m)^batch_seconds = .*", "batch_seconds = 0.8", remote.text())
    number = remote.offer(good)
    remote.wait_for(number, "done")
    assert remote.text() == good


def _cut_off(remote: Remote) -> None:
    """What cuts off central comes back by itself."""
    held = remote.text()
    number = remote.offer(re.sub('url = ".*"', 'url = "https://127.0.0.1:9"', held))
    assert "central, which was reached before" in remote.wait_for(number, "rolled_back")
    assert remote.text() == held


def _broken(remote: Remote) -> None:
    """A bus that leads elsewhere waits for consent; then it breaks the bus, and comes back."""
    rig, held = remote.rig, remote.text()
    broken = re.sub("(?m)^tcp_port = .*", "tcp_port = 9", held, count=1)
    number = remote.offer(broken)
    assert "bus[lan].tcp_port" in remote.wait_for(number, "waits")
    assert remote.text() == held
    shown = rig.command("edge-agent", "config", "versions", "--config", "gateway.toml")
    assert f"config accept {number}" in " ".join(shown.split())
    accept = ("edge-agent", "config", "accept", str(number), "--config", "gateway.toml", "--yes")
    rig.command(*accept, *WHO)
    assert "no answer within" in remote.wait_for(number, "rolled_back")
    assert remote.text() == held


def _relevant(remote: Remote) -> None:
    """Agreed to, it is kept; consent itself cannot be waived from afar."""
    rig, held = remote.rig, remote.text()
    longer = re.sub("(?m)^interval_seconds = .*", "interval_seconds = 3", held)
    number = remote.offer(longer)
    remote.wait_for(number, "waits")
    accept = ("edge-agent", "config", "accept", str(number), "--config", "gateway.toml", "--yes")
    rig.command(*accept, *WHO)
    remote.wait_for(number, "done")
    assert remote.text() == longer
    number = remote.offer(longer.replace("[remote]", "[remote]\nconsent = false"))
    assert "remote.consent" in remote.wait_for(number, "waits")


def _refused(remote: Remote) -> None:
    """Made for another file, faulty, or the site's own."""
    held = remote.text()
    new = re.sub("(?m)^batch_seconds = .*", "batch_seconds = 0.9", held)
    assert "in force is" in remote.wait_for(remote.offer(new, base="ab" * 32), "refused")
    faulty = re.sub("(?m)^batch_seconds = .*", "batch_seconds = -1", held)
    assert "batch_seconds" in remote.wait_for(remote.offer(faulty), "refused")
    local = re.sub('(?m)^ca = ".*"', 'ca = "./ca.pem"', held)
    assert "central.ca" in remote.wait_for(remote.offer(local), "refused")
    assert remote.text() == held


def _requests(remote: Remote) -> None:
    """Read now, a range, a bundle; each says what came of it."""
    name = re.findall(r'(?m)^name = "(.*)"', remote.text().split("[[device]]")[1])[0]
    assert f"values of {name}" in remote.wait_for(remote.ask("read_now", "--device", name), "done")
    between = ("--from", "2026-01-01T00:00Z", "--to", "2026-01-02T00:00Z")
    number = remote.ask("read_range", "--run-id", "R1", *between)
    remote.rig.wait("the range", lambda: remote.state(number)[0] in ("done", "refused"))
    number = remote.ask("support_bundle")
    told = remote.wait_for(number, "done")
    out = remote.rig.command(
        *("edge-central", "offer", "bundle", "--store", "store", "gw-1", str(number)),
        *("--out", "bundle.gz"),
    )
    assert out.split("SHA-256 ")[1].split(":")[0] in told


def _forged(remote: Remote) -> None:
    """Another key of the same name: nothing of it counts, and the log says so."""
    remote.rig.command("edge-central", "operator-key", "new", "--out", "evil.key")
    before, held = remote.events("offer_refused"), remote.text()
    evil = re.sub("(?m)^batch_seconds = .*", "batch_seconds = 5", held)
    number = remote.offer(evil, key="evil.key")
    remote.rig.wait("it is told", lambda: remote.events("offer_refused") == before + 1)
    assert remote.state(number)[0] == "offered"
    assert remote.text() == held


def _check_law(rig: Rig) -> None:
    assert law_holds(rig)
    with sqlite3.connect(rig.store / "central.sqlite3") as connection:
        recomputed = connection.execute("SELECT DISTINCT recompute FROM interval").fetchall()
        alarms = connection.execute("SELECT code, detail FROM alarm").fetchall()
    connection.close()
    assert recomputed == [("agrees",)]
    assert alarms == []
