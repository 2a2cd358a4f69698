"""A line that comes again and again is told at once, then by its count."""

import logging

from edge_agent.observe.repeats import FOLD_MS, MOST_A_MINUTE, MOST_KEYS, Repeats

MINUTE_MS = 60_000


def line(text: str, *words: object, level: int = logging.WARNING, **extra: object):
    record = logging.LogRecord("bus", level, "bus.py", 1, text, words, None)
    record.__dict__.update(extra)
    return record


def told(records: list[logging.LogRecord]) -> list[str]:
    return [record.getMessage() for record in records]


def test_a_dead_bus_is_told_at_once_and_then_counted() -> None:
    """An hour of a poll each second that fails: seven lines, and every failure is in a count."""
    repeats, lines = Repeats(), []
    for second in range(3600):
        failed = line("%s: no answer after %.1f s", "meter-1", second / 7)
        lines += told(repeats.take(failed, 1000 * second))
    lines += told(repeats.rest(3_600_000))
    assert lines[0] == "meter-1: no answer after 0.0 s"
    assert len(lines) == 7
    assert "599 times more in 10 min" in lines[1]
    counts = [int(text.rpartition("(")[2].split()[0]) for text in lines[1:]]
    assert 1 + sum(counts) == 3600


def test_another_device_and_another_cause_are_other_lines() -> None:
    """Only numbers do not tell lines apart."""
    repeats = Repeats()
    for name, cause in (("m", "no answer"), ("p", "no answer"), ("m", "damaged")):
        assert len(repeats.take(line("%s: %s", name, cause), 0)) == 1
    assert repeats.take(line("%s: %s", "m", "no answer"), 1) == []
    assert repeats.take(line("%s: %s, at %d", "m", "no answer", 5), 1) != []


def test_a_line_that_ended_is_counted_by_whatever_comes_next() -> None:
    """And forgotten then: when it comes again it is told at once."""
    repeats = Repeats()
    repeats.take(line("port gone"), 0)
    repeats.take(line("port gone"), 1000)
    assert told(repeats.take(line("other"), FOLD_MS)) == [
        "port gone (once more in 10 min)",
        "other",
    ]
    assert repeats.due(2 * FOLD_MS) == []
    assert told(repeats.take(line("port gone"), 2 * FOLD_MS)) == ["port gone"]


def test_what_must_be_told_each_time_is() -> None:
    """An access, and a thread that died."""
    repeats = Repeats()
    for _ in range(3):
        assert len(repeats.take(line("uid 0", is_told_each=True), 0)) == 1
        assert len(repeats.take(line("thread died", level=logging.CRITICAL), 0)) == 1


def test_texts_that_differ_each_time_have_a_limit_too() -> None:
    """What was left out is said; the table stays bounded."""
    repeats = Repeats()
    lines: list[str] = []
    for number in range(10_000):
        word = "".join(chr(97 + int(digit)) for digit in f"{number:05d}")
        lines += told(repeats.take(line("%s", word), number * 10))  # 100 seconds
    lines += told(repeats.due(200_000))
    assert len(lines) < 3 * MOST_A_MINUTE
    assert any("more lines were left out" in text for text in lines)
    assert len(repeats._told) <= MOST_KEYS
