"""The first law over what a person does to a running agent, with real processes: it reads its
configuration again, lends a bus, takes statements, and is killed in the midst of each."""

from __future__ import annotations

import contextlib
import random
import re
import signal
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from edge_agent.acts.act import Act, Who, record
from edge_agent.config.file import load_config
from edge_agent.config_store.apply import apply
from edge_agent.control.client import NoAgent, SocketError, ask_agent
from edge_agent.control.protocol import Call
from tests.system.rig import Rig
from tests.system.test_first_law import RUNS, check, stop_agent

SEED = 20261126
BY = {"who": "Li Wei", "reason": "soak"}
TRIAL_S = 5.0
STALE_S = (20.0, 21.0)  # legally relevant: each change closes an interval and opens the next


class Site:
    """A rig and what was said to its agent."""

    def __init__(self, rig: Rig, rng: random.Random) -> None:
        self.rig = rig
        self.rng = rng
        self.pause = threading.Event()
        self.starts = 0  # beside the first
        self.said = 0
        self.recorded: set[int] = set()  # statements that the agent said it holds
        self._config = rig.directory / "gateway.toml"
        text = self._config.read_text() + f"[remote]\ntrial_seconds = {TRIAL_S}\n"
        self._texts = [
            text.replace(f"stale_seconds = {STALE_S[0]}", f"stale_seconds = {stale}")
            for stale in STALE_S
        ]
        assert self._texts[0] != self._texts[1], "no field to change"

    def events(self) -> dict[str, Callable[[], None]]:
        return {
            "reload": self.reload,
            "configure": self.configure,
            "apply": self.apply,
            "apply bad": self.apply_bad,
            "kill": self.kill,
            "reload and kill": self.reload_and_kill,
            "take": self.take,
            "take and reload": self.take_and_reload,
            "state": self.state,
            "state and kill": self.state_and_kill,
            "state without agent": self.state_without_agent,
            "central": self.central,
            "link": self.link,
        }

    def reload(self) -> None:
        self.starts += 1
        self.rig.send("agent", signal.SIGHUP)

    def configure(self) -> None:
        self._texts.reverse()
        self._config.write_text(self._texts[0])
        self.reload()

    def apply(self) -> None:
        """On trial, and kept if nothing else happens meanwhile."""
        self._texts.reverse()
        self._apply(self._texts[0])

    def apply_bad(self) -> None:
        """A device that does not answer any more: taken back."""
        self._apply(re.sub("tcp_port = .*", "tcp_port = 1", self._texts[0]))

    def _apply(self, text: str) -> None:
        self.starts += 2  # and the way back
        apply(self._config, text.encode(), BY["who"], BY["reason"])

    def kill(self) -> None:
        self.starts += 1
        self.rig.kill("agent")
        self.rig.start("agent")

    def reload_and_kill(self) -> None:
        self.rng.choice((self.reload, self.configure))()
        self.pause.wait(self.rng.uniform(0.0, 2.0))
        self.kill()

    def take(self) -> None:
        bus = self.rng.choice(("line-1", "line-2", "lan"))
        self._ask(Call("take", {"bus": bus, "seconds": self.rng.randint(1, 6), **BY}))

    def take_and_reload(self) -> None:
        self.take()
        self.configure()

    def state(self) -> None:
        number = self.said = self.said + 1
        fields = [["number", number]]
        told = {"subject": "R1", "code": "compared", "fields": fields, **BY}
        if self._ask(Call("state", told)):
            self.recorded.add(number)

    def state_and_kill(self) -> None:
        stating = threading.Thread(target=self.state)
        stating.start()
        self.pause.wait(self.rng.uniform(0.0, 0.2))
        self.kill()
        stating.join()

    def state_without_agent(self) -> None:
        """Into the journal of one that was killed."""
        self.starts += 1
        self.rig.kill("agent")
        number = self.said = self.said + 1
        config = load_config(self._config)
        by = Who(BY["who"], BY["reason"])
        record(config, Act("R1", "compared", by, (("number", number),), ()))
        self.recorded.add(number)
        self.rig.start("agent")

    def central(self) -> None:
        self.rig.kill("central")
        self.pause.wait(self.rng.uniform(0.0, 1.5))
        self.rig.start("central")

    def link(self) -> None:
        self.rig.link.cut(after_bytes=self.rng.choice((0, self.rng.randrange(1, 6000))))
        self.pause.wait(self.rng.uniform(0.3, 2.5))
        self.rig.link.mend()

    def _ask(self, call: Call) -> bool:
        """False where the agent was not there, or did not answer before it was killed."""
        path = self.rig.directory / "state" / "control" / "act.sock"
        with contextlib.suppress(NoAgent, SocketError):
            return bool(ask_agent(path, call).get("ok"))
        return False


def _torment(site: Site, events: list[str]) -> None:
    does = site.events()
    for number, event in enumerate(events):
        if number % 3 == 0:
            site.rig.wait("the agent", partial(site.rig.has_said, "agent", RUNS), within_s=300.0)
        # a signal before the agent listens to signals would end it
        while not site.rig.has_said("agent", RUNS) and event not in ("kill", "central", "link"):
            site.pause.wait(0.05)
        site.pause.wait(site.rng.choice((site.rng.uniform(0.05, 1.0), site.rng.uniform(1.0, 4.0))))
        does[event]()


def _statements_once(site: Site) -> None:
    """Each that the agent held is at central once, and no other twice."""
    with contextlib.closing(sqlite3.connect(site.rig.store / "central.sqlite3")) as central:
        rows = central.execute("SELECT fields FROM statement WHERE code = 'compared'").fetchall()
    counted = Counter(row[0] for row in rows)
    assert all(count == 1 for count in counted.values()), counted
    numbers = {int(fields.split(",")[1].strip(" ]")) for fields in counted}
    assert site.recorded <= numbers <= set(range(1, site.said + 1))


def run(directory: Path, each: int, seed: int) -> int:
    """All events so often, in an order by the seed; how often the agent began."""
    rng = random.Random(seed)
    with Rig(directory) as rig:
        rig.wait("the first intervals", lambda: (rig.summary() or {}).get("intervals", 0) >= 3)
        site = Site(rig, rng)
        events = list(site.events()) * each
        rng.shuffle(events)
        _torment(site, events)
        rig.wait("the agent's last start", lambda: rig.has_said("agent", RUNS))
        before = (rig.summary() or {}).get("intervals", 0)
        rig.wait(
            "intervals after the last blow",
            lambda: (rig.summary() or {}).get("intervals", 0) >= before + 3,
            within_s=300.0,
        )
        restarts = stop_agent(rig)
        rig.wait("central's ledger", rig.has_followed, within_s=300.0)
        starts = check(rig, site.starts + restarts)
        _statements_once(site)
        return starts


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", [SEED, SEED + 1])
def test_what_people_do_to_a_running_agent_loses_and_doubles_nothing(
    tmp_path: Path, seed: int
) -> None:
    """Twenty reloads beside kills, loans, statements, a dead central and a cut link."""
    run(tmp_path, each=3, seed=seed)
