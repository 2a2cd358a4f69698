"""What a terminal is given, by what it can show."""

import pytest

from edge_agent.screen import BAD, GOOD, WARNING, is_ascii, mark, table


@pytest.mark.parametrize("light", [GOOD, WARNING, BAD])
def test_a_light_can_be_told_without_its_colour(light: str) -> None:
    """Each has a sign of its own, in both alphabets; a serial console gets ASCII."""
    assert mark(light, "ISO-8859-1").isascii()
    signs = {mark(one, coding) for one in (GOOD, WARNING, BAD) for coding in ("utf-8", None)}
    assert len(signs) == 6


def test_a_serial_console_gets_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its encoding, or by what the terminal says of itself."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.delenv("LC_ALL", raising=False)
    assert not is_ascii("UTF-8")
    assert is_ascii("ANSI_X3.4-1968")
    for term in ("vt100", "vt220", "dumb"):
        monkeypatch.setenv("TERM", term)
        assert is_ascii("UTF-8")


def test_locale_c_gets_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python writes UTF-8 in it; the first variable that is set counts."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    monkeypatch.setenv("LC_ALL", "C")
    assert is_ascii("utf-8")
    monkeypatch.setenv("LC_ALL", "")
    assert not is_ascii("utf-8")


def test_a_table_of_a_serial_console_has_ascii_lines() -> None:
    """Its box is drawn with what every terminal has."""
    made = table("point", "value", encoding="ascii")
    assert made.box is not None
    assert str(made.box).isascii()
    assert [column.header for column in made.columns] == ["point", "value"]
