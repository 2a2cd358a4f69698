"""Findings and their order."""

from edge_agent.doctor.finding import Area, in_order, red, yellow


def test_red_comes_first_then_the_area() -> None:
    """As a technician looks; the same finding is told once."""
    found = [
        yellow("a", Area.SITE), red("b", Area.CLOCK), red("c", Area.BUS, "line-2"),
        red("c", Area.BUS, "line-1"), red("c", Area.BUS, "line-1"),
    ]  # fmt: skip
    assert [(one.code, one.where) for one in in_order(found)] == [
        ("c", "line-1"), ("c", "line-2"), ("b", ""), ("a", ""),
    ]  # fmt: skip


def test_facts_are_texts() -> None:
    """They fill in words, and go into JSON."""
    assert red("x", Area.BUS, "b", number=3).facts == {"number": "3"}
