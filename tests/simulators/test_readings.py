"""What the instruments show, in their own units, against the project's own conversion of units."""

import pytest

from protocols.metering.units import to_kelvin, to_pascal
from protocols.registers.library import load_profile
from simulators.plant import Plant, Start
from simulators.readings import Index, Noise
from simulators.site import demo_site

_SITE = demo_site()
_MOMENT = Plant(_SITE, Start(0, 1_795_000_000_000)).advance_to(10_000)
_BY_NAME = {place.instrument.name: place.instrument for place in _SITE.places}


@pytest.mark.parametrize(
    ("name", "point", "run", "gauge"),
    [
        ("p-1", "p1_f32", "R1", True),
        ("p-1", "p1_i32", "R1", True),
        ("p-3", "p1_f32", "R3", True),
        ("pt-2", "static_pressure", "R2", False),
        ("meter-3", "pressure", "R3", False),
    ],
)
def test_pressure_is_that_of_the_line(name: str, point: str, run: str, gauge: bool) -> None:
    """A transmitter shows the line's pressure in its unit, gauge ones less the atmosphere."""
    instrument = _BY_NAME[name]
    shown = instrument.readings[point](_MOMENT)
    assert shown is not None
    shown_pa = to_pascal(shown, instrument.profile.point(point).unit)
    true_pa = _MOMENT.runs[run].state.pressure_pa
    assert shown_pa + (_SITE.atmosphere_pa if gauge else 0.0) == pytest.approx(true_pa, abs=25.0)


@pytest.mark.parametrize(
    ("name", "point", "run"),
    [
        ("t-1", "process_temperature", "R1"),
        ("pt-2", "process_temperature", "R2"),
        ("meter-3", "temperature", "R3"),
        ("p-1", "tob1_f32", "R1"),
    ],
)
def test_temperature_is_that_of_the_line(name: str, point: str, run: str) -> None:
    """A transmitter shows the line's temperature in its unit."""
    instrument = _BY_NAME[name]
    shown = instrument.readings[point](_MOMENT)
    assert shown is not None
    shown_k = to_kelvin(shown, instrument.profile.point(point).unit)
    assert shown_k == pytest.approx(_MOMENT.runs[run].state.temperature_k, abs=0.02)


def test_a_regulator_shows_its_outlet() -> None:
    """The Keller behind PR1 shows the drooped outlet pressure in bar gauge."""
    shown = _BY_NAME["p-outlet"].readings["p1_f32"](_MOMENT)
    assert shown is not None
    assert to_pascal(shown, "bar") == pytest.approx(_MOMENT.outlets_pa_gauge["PR1"], abs=25.0)
    assert 18_200.0 < _MOMENT.outlets_pa_gauge["PR1"] < 20_000.0


def test_noise_is_a_function_of_the_cycle() -> None:
    """Within one cycle two readings agree; another cycle, point or serial gives another value."""
    noise = Noise(1, "330041")
    assert noise.of("p", 7, 4.0) == noise.of("p", 7, 4.0)
    others = {noise.of("p", 8, 4.0), noise.of("t", 7, 4.0), Noise(1, "330042").of("p", 7, 4.0)}
    assert noise.of("p", 7, 4.0) not in others
    assert len(others) == 3


def test_an_index_counts_whole_counts_only() -> None:
    """Counts advance when a whole count has flowed, and do not wrap."""
    index = Index(999_999_999, -3, 10**9)
    assert index.count_mm3 == 1_000_000
    assert index.unwrapped(999_999) == 999_999_999
    assert index.unwrapped(1_000_000) == 1_000_000_000


@pytest.mark.parametrize(("start", "exponent"), [(-1, -3), (10**9, -3), (0, -10), (0, 4)])
def test_an_impossible_index_is_refused(start: int, exponent: int) -> None:
    """A start beyond the modulus, or a count finer than the plant's volumes, is an error."""
    with pytest.raises(ValueError, match="index"):
        Index(start, exponent, 10**9)


def test_every_reading_belongs_to_the_profile() -> None:
    """Each instrument is of a packaged profile and shows only points of it."""
    for instrument in _BY_NAME.values():
        assert instrument.profile == load_profile(instrument.profile.id)
        assert set(instrument.readings) <= {point.name for point in instrument.profile.points}
