import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.intake.alarms import IntakeCode
from central.ledger.alarms import AlarmCode
from central.web.words import LANGUAGES, choose_language, load_words
from protocols.metering import events
from protocols.metering.quality import Flag, Quality


def test_languages_have_the_same_keys() -> None:
    """A word that one language has, the other has too, with the same values to fill in."""
    english, chinese = load_words()["en"], load_words()["zh"]
    assert english.keys() == chinese.keys()
    for key in sorted(english.keys()):
        assert _fields(english(key)) == _fields(chinese(key)), key


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_quality_and_flag_has_words() -> None:
    """What a record can say of its quality is said in words."""
    for words in load_words().values():
        assert all(words.get(f"quality.{quality.name}") for quality in Quality)
        assert all(words.get(f"flag.{flag.name}") for flag in Flag)


def test_every_alarm_and_event_has_words() -> None:
    """What the pipeline tells and what central finds wrong is said in words."""
    codes = [
        value
        for name, value in vars(events).items()
        if name.isupper() and isinstance(value, str) and value not in (events.ON, events.OFF)
    ]
    assert len(codes) >= 10
    for words in load_words().values():
        assert all(words.get(f"event.{code}") for code in codes)
        assert all(words.get(f"alarm.{code}") for code in (*AlarmCode, *IntakeCode))


def test_chinese_uses_the_terms_of_the_trade() -> None:
    """The Chinese page speaks of 远程抄表, 温压补偿方式 and 供气压力."""
    words = load_words()["zh"]
    assert words("page.title") == "远程抄表"
    assert words("runs.method") == "温压补偿方式"
    assert words("regulators.outlet") == "供气压力"


def test_an_unknown_key_is_a_fault() -> None:
    """A key that does not exist is not shown to a reader as if it were a word."""
    with pytest.raises(KeyError):
        load_words()["en"]("no.such")


@pytest.mark.parametrize(
    ("asked", "cookie", "accepted", "language"),
    [
        (None, None, None, "en"),
        ("zh", "en", "en", "zh"),
        ("fr", "zh", "en", "zh"),
        (None, "../etc", "zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        (None, None, "de, en;q=0.5, zh;q=0.7", "zh"),
        (None, None, "zh;q=0, en;q=0.1", "en"),
        (None, None, "en,zh", "en"),
        (None, None, "zh;q=high, en;q=0.1", "en"),
        (None, None, "ZH-Hans-CN", "zh"),
        (None, None, ";;;,,q=1", "en"),
        (None, None, "x," * 1000 + "zh", "en"),
    ],
)
def test_choice(asked: str | None, cookie: str | None, accepted: str | None, language: str) -> None:
    """The address counts before the cookie, the cookie before the browser, by its weights."""
    assert choose_language(asked, cookie, accepted) == language


@given(st.none() | st.text(), st.none() | st.text(), st.none() | st.text())
def test_any_input_gives_a_language(
    asked: str | None, cookie: str | None, accepted: str | None
) -> None:
    """Whatever a browser sends, the page has a language."""
    assert choose_language(asked, cookie, accepted) in LANGUAGES
