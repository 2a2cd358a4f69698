"""Templates and what they may call. Autoescape is on for every template, whatever its name."""

import json
from collections.abc import Iterable
from datetime import tzinfo

from jinja2 import Environment, PackageLoader, StrictUndefined

from central.ledger.rows import EventRow
from central.web import instants, numbers
from central.web.day_page import energy_kwh, energy_mj
from central.web.edits import difference_m3, edit_label, edit_title
from central.web.fact_words import epoch_words, fact_words
from central.web.instants import wall_clock_ms
from central.web.proof_page import figure_text
from central.web.statement_view import statement_view
from central.web.words import LANGUAGES, Words
from protocols.metering.quality import Flag, Quality, is_good

# A rest without flow is an ordinary state of a meter, not a fault.
_ORDINARY = int(Flag.NO_FLOW)  # of an IntFlag, ~ would clear the bits it does not know
VERDICTS = ("within", "outside")  # of a statement
_QUALITY_NAMES = {quality.value: quality.name for quality in Quality}


def environment() -> Environment:
    """The Jinja2 environment of the pages."""
    made = Environment(
        loader=PackageLoader("central.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        m3=numbers.volume_m3,
        kpa=numbers.pressure_kpa,
        celsius=numbers.temperature_c,
        factor=numbers.factor,
        seconds=numbers.duration_s,
        n=numbers.count,
        m3_5=numbers.volume_m3_5,
        kpa3=numbers.pressure_kpa_3,
        celsius3=numbers.temperature_c_3,
        kwh=energy_kwh,
        mj=energy_mj,
        hs=numbers.heating_value,
        hours=numbers.duration_h,
    )
    made.globals.update(
        LANGUAGES=LANGUAGES,
        age=instants.age,
        lag=instants.lag,
        gateway_state=instants.gateway_state,
        wall_clock=instants.wall_clock,
        zone_of=instants.zone_of,
        zone_label=instants.zone_label,
        code_words=code_words,
        change_and_detail=change_and_detail,
        epoch_words=epoch_words,
        fact_words=fact_words,
        flag_words=flag_words,
        flag_level=flag_level,
        quality_words=quality_words,
        quality_level=quality_level,
        qmax=qmax,
        edit_label=edit_label,
        edit_title=edit_title,
        difference_m3=difference_m3,
        figure_text=figure_text,
        statement_view=statement_view,
    )
    return made


def flag_words(flags: int, words: Words) -> str:
    """Every flag of an interval in words; what this version does not know is shown by number."""
    if flags == 0:
        return words("flag.good")
    known = [words(f"flag.{name}") for name in flag_names(flags)]
    unknown = flags & ~int(sum(Flag))
    return ", ".join(known + ([words("flag.other", n=unknown)] if unknown else []))


def flag_names(flags: int) -> list[str]:
    """The names of the known flags that are set."""
    members: Iterable[Flag] = Flag
    return [str(flag.name) for flag in members if flags & flag]


def code_words(table: str, code: str, words: Words) -> str:
    """An event or alarm in words; what this version does not know is shown by its code."""
    return words.get(f"{table}.{code}") or code


def _side(value: int | str | None, words: Words) -> str:
    """One side of a change: a condition is on or off, anything else is shown as recorded."""
    if value is None:
        return words("page.none")
    if value in ("on", "off"):
        return words(f"event.{value}")
    return (words.get(f"said_value.{value}") if value in VERDICTS else None) or f"{value}"


def change_and_detail(event: EventRow, zone: tzinfo, words: Words) -> tuple[str, str]:
    """What an event says besides its code: "old → new", and its detail.

    The ledger gives a clock leaf's body as JSON: UTC by the old relation, UTC now, old state.
    """
    if event.code == "clock" and (times := _clock_times(event.detail)) is not None:
        old, new = (wall_clock_ms(time, zone) or words("page.none") for time in times)
        return f"{old} → {new}", ""
    if (told := fact_words(event.code, event.detail, words)) is not None:
        return told
    if event.old is None and event.new is None:
        return "", event.detail
    if event.new in VERDICTS and event.old is None:
        return _side(event.new, words), event.detail
    return f"{_side(event.old, words)} → {_side(event.new, words)}", event.detail


def _clock_times(detail: str) -> tuple[int | None, int | None] | None:
    try:
        body = json.loads(detail)
    except ValueError:
        return None
    match body:
        case [int() | None as old, int() | None as new, int() | None]:
            return old, new
        case _:
            return None


def flag_level(flags: int) -> str:
    """good, or warn where a person should look."""
    return "good" if flags & ~_ORDINARY == 0 else "warn"


def quality_words(quality: int, words: Words) -> str:
    """The quality of a reading in words."""
    name = _QUALITY_NAMES.get(quality)
    return words(f"quality.{name}") if name else words("quality.other", n=quality)


def quality_level(quality: int) -> str:
    """good or warn."""
    return "good" if is_good(quality) else "warn"


def qmax(litres_an_hour: int) -> str:
    """Qmax in m3/h, without zeros that say nothing."""
    text = numbers.rounded(litres_an_hour, 3, 3)
    return text.rstrip("0").rstrip(".")
