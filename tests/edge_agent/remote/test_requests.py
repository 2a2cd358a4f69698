"""Read now, read a range: what came of it, or why nothing did."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from edge_agent.bus.device_reading import Read
from edge_agent.bus.joining import Failed
from edge_agent.clock import LATEST_UTC_MS
from edge_agent.config.model import AgentConfig
from edge_agent.config_store.apply import Refused
from edge_agent.control.control import Control
from edge_agent.recording.device_recording import Fact, News, RangeAsked, Said
from edge_agent.remote.requests import Reading
from protocols.evidence.cbor import Body
from protocols.evidence.offer import READ_NOW, READ_RANGE, Offer
from protocols.metering.quality import Quality
from protocols.registers.register_map import RegisterMap
from tests.edge_agent.gateway import UTC_MS, SetClock, config_of

BETWEEN = (UTC_MS - 3_600_000, UTC_MS)


@dataclass
class Site:
    """A device that answers or not, a journal that takes or not."""

    config: AgentConfig
    answers: bool = True
    stores: bool = True
    said: list[Said] = field(default_factory=list)
    asked: list[News] = field(default_factory=list)

    def reading(self) -> Reading:
        control = Control(self.config, self._ask, lambda _: True, SetClock())  # type: ignore[arg-type]
        return Reading(self.config, control, self._note, self._tell, SetClock())

    def _ask(self, device: object, names: Sequence[str], _make: Callable[..., object]) -> object:
        if not self.answers:
            return Failed(Quality.BAD_NO_ANSWER, "no answer within 0.5 s")
        profile = self.config.devices[1].profile
        made = RegisterMap.of(profile, tuple(names))
        return Read(made, tuple(0 for _ in made.points))

    def _note(self, facts: Sequence[Fact | Said], _timeout_s: float) -> bool:
        self.said += [each for each in facts if isinstance(each, Said)]
        return self.stores

    def _tell(self, news: News) -> bool:
        self.asked.append(news)
        return self.stores


def offer(kind: str, *item: str | int) -> Offer:
    body: Body = item
    return Offer("gw-1", 7, kind, 1, "Li Wei", "a look", body)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(config_of(tmp_path))


def test_values_become_a_statement(site: Site) -> None:
    """With the offer's number, who and why, about the device."""
    assert site.reading().now(offer(READ_NOW, "p-1", "p1_f32")) == "1 values of p-1"
    (said,) = site.said
    assert (said.subject, said.statement.who) == ("P1", "central: Li Wei")
    assert said.statement.get("offer") == 7
    assert said.statement.get("p1_f32") is not None


@pytest.mark.parametrize(
    ("item", "why"),
    [(("nobody",), "no device"), (("p-1", "nothing"), "nothing")],
)
def test_what_is_not_there_is_refused(site: Site, item: tuple[str, ...], why: str) -> None:
    """By name."""
    found = site.reading().now(offer(READ_NOW, *item))
    assert isinstance(found, Refused)
    assert why in found.why


def test_a_silent_device_and_a_full_journal(site: Site) -> None:
    """Nothing is claimed that is not durable."""
    site.answers = False
    found = site.reading().now(offer(READ_NOW, "p-1"))
    assert isinstance(found, Refused)
    assert "no answer" in found.why
    site.answers, site.stores = True, False
    assert isinstance(site.reading().now(offer(READ_NOW, "p-1")), Refused)


def test_a_range_is_asked_of_the_archives(site: Site) -> None:
    """Of the run's meter, where it has any; else what can be done instead is told."""
    found = site.reading().range(offer(READ_RANGE, "R1", *BETWEEN))
    assert isinstance(found, Refused)
    assert "edge-agent export" in found.why
    meter = replace(site.config.devices[0], archives=("hourly",))
    site.config = replace(site.config, devices=(meter, *site.config.devices[1:]))
    told = site.reading().range(offer(READ_RANGE, "R1", *BETWEEN))
    assert isinstance(told, str)
    (asked,) = site.asked
    assert isinstance(asked, RangeAsked)
    assert (asked.run, asked.serial, asked.between_ms) == ("R1", "M1", BETWEEN)
    assert isinstance(site.reading().range(offer(READ_RANGE, "R9", *BETWEEN)), Refused)


@pytest.mark.parametrize("between", [(0, 1000), (LATEST_UTC_MS - 1000, LATEST_UTC_MS + 1000)])
def test_a_range_that_no_calendar_of_a_device_has(site: Site, between: tuple[int, int]) -> None:
    """It would end the bus's thread, and with each start again: the gap is remembered."""
    meter = replace(site.config.devices[0], archives=("hourly",))
    site.config = replace(site.config, devices=(meter, *site.config.devices[1:]))
    found = site.reading().range(offer(READ_RANGE, "R1", *between))
    assert isinstance(found, Refused)
    assert "2025" in found.why
    assert not site.asked
