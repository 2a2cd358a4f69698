"""What the user says that a device shows."""

import pytest

from protocols.registers.library import load_profile
from simulators.plausible import Given
from simulators.values_file import ValuesError, parse_values

_KELLER = load_profile("keller-33x")


def test_numbers_movement_and_nothing() -> None:
    """The three forms of a number, by point."""
    text = """
    p1_f32 = 4.75
    p1_i32 = { start = 100, per_s = 0.5 }
    tob1_f32 = "none"
    """
    assert parse_values(text, _KELLER) == {
        "p1_f32": Given(4.75),
        "p1_i32": Given(100, 0.5),
        "tob1_f32": Given(None),
    }
    assert parse_values("", _KELLER) == {}


def test_a_text_is_for_a_text_point() -> None:
    """A point of characters takes any text, even "none"."""
    profile = load_profile("cameron-scanner-3100")
    name = next(point.name for point in profile.points if point.type.startswith("text"))
    assert parse_values(f'{name} = "none"', profile) == {name: Given(None, text="none")}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("p1_f32 =", "no TOML"),
        ("nonsense = 1", "nonsense: no point of keller-33x"),
        ('p1_f32 = "much"', "p1_f32: must be"),
        ("p1_f32 = { start = 1 }", "p1_f32: must be"),
        ("p1_f32 = { start = 1, per_s = 1, more = 1 }", "p1_f32: must be"),
        ("p1_f32 = [1]\nnonsense = 1", "p1_f32: must be.*nonsense: no point"),
    ],
)
def test_every_fault_is_told(text: str, said: str) -> None:
    """By name, all at once."""
    with pytest.raises(ValuesError, match=said):
        parse_values(text, _KELLER)


def test_whole_numbers_stay_whole() -> None:
    """A total in counts is an integer where start and rate make one."""
    assert Given(5, 2.0).at(3000) == 11
    assert isinstance(Given(5, 2.0).at(3000), int)
    assert Given(5, 0.1).at(1000) == pytest.approx(5.1)
