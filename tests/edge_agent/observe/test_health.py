"""The gateway's health in its log."""

from pathlib import Path

from edge_agent.observe.health import AGAIN_MS, HealthRecord, health_statement
from edge_agent.observe.machine import Machine
from edge_agent.recording.device_recording import News, Said
from protocols.evidence.statement import parse_statement
from tests.edge_agent.gateway import SetClock

EACH_MS = 3_600_000


def test_it_is_told_at_the_start_and_each_hour(tmp_path: Path) -> None:
    """Not more often, however often the main thread comes by."""
    told: list[News] = []
    clock = SetClock()
    record = HealthRecord(
        Machine(tmp_path).health, lambda news: not told.append(news), clock, EACH_MS
    )
    for now_ms in range(0, 3 * EACH_MS, 60_000):
        record.tick(now_ms)
    assert len(told) == 3
    assert all(isinstance(news, Said) and news.subject == "" for news in told)


def test_a_full_queue_is_tried_again(tmp_path: Path) -> None:
    """In a minute, since nothing was lost but a figure."""
    answers = [False, True, True]
    record = HealthRecord(Machine(tmp_path).health, lambda _: answers.pop(0), SetClock(), EACH_MS)
    record.tick(0)
    record.tick(AGAIN_MS - 1)
    assert len(answers) == 2
    record.tick(AGAIN_MS)
    record.tick(AGAIN_MS + EACH_MS - 1)
    assert len(answers) == 1


def test_the_statement_is_one(tmp_path: Path) -> None:
    """Its body passes the strict parser; what the machine does not tell is null in it."""
    machine = Machine(tmp_path, tmp_path)
    said = parse_statement(health_statement(machine.health()).to_body())
    assert (said.code, said.who) == ("health", "agent")
    names = [name for name, _ in said.fields]
    assert names[:4] == [
        "cpu_temperature_c", "disk_free_megabytes", "memory_available_megabytes", "agent_rss_kb",
    ]  # fmt: skip
    assert said.get("cpu_temperature_c") is None
    assert isinstance(said.get("disk_free_megabytes"), int)


def test_it_can_be_left_out(tmp_path: Path) -> None:
    """`health_seconds = 0`."""
    told: list[News] = []
    record = HealthRecord(Machine(tmp_path).health, lambda n: not told.append(n), SetClock(), 0)
    record.tick(10**12)
    assert told == []
