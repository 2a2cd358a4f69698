"""Figures: every digit, units by the explanation, raw where there is none."""

from dataclasses import replace

import pytest

from protocols.audit.bodies import interval_of
from protocols.audit.figures import (
    MAX_SHOWN_CHARS,
    Explanation,
    decimal,
    figures_of,
    flag_names,
    quality_name,
)
from protocols.evidence.leaf import Kind
from protocols.metering.quality import Flag
from tests.central.web import story
from tests.protocols.audit.morning import TELEMETRY, first

INTERVAL = first(Kind.INTERVAL)


NOTHING = Explanation()


def shown(leaf, explanation=NOTHING):  # type: ignore[no-untyped-def]
    return {(f.label, f.subject): (f.value, f.unit) for f in figures_of(leaf, explanation)}


@pytest.mark.parametrize(
    ("value", "exponent", "text"),
    [
        (1234500, -3, "1234.500"),
        (-5, -6, "-0.000005"),
        (0, -6, "0.000000"),
        (7, 0, "7"),
        (3, 2, "300"),
        (12345678901234567890123456789012345, -12, "12345678901234567890123.456789012345"),
    ],
)
def test_decimals_have_all_their_digits(value: int, exponent: int, text: str) -> None:
    """No exponent is ever printed."""
    assert decimal(value, exponent) == text


def test_an_interval_with_its_configuration() -> None:
    """Indexes in m3 by the configured count, volumes in m3, P in kPa, T in degC, energy in MJ."""
    record = interval_of(INTERVAL)
    found = shown(INTERVAL, Explanation(config=story.CONFIG))
    assert found["line_main", ""] == (decimal(record.line_main_cm3, -6), "m3")
    assert found["index_start", "vm"] == (decimal(record.totals[0].start, -3), "m3")
    assert found["pressure", ""] == (decimal(record.p_dpa, -4), "kPa")
    assert found["temperature", ""] == (decimal(record.t_mk - 273_150, -3), "degC")
    energy = (record.base_main_cm3 + record.base_error_cm3) * record.hs_j_m3
    assert found["energy", ""] == (decimal(energy, -12), "MJ")
    assert found["flags", ""] == ("-", "")
    assert ("line_reverse", "") not in found
    assert ("correction", "") not in found


def test_an_interval_without_its_configuration_has_counts() -> None:
    """Nobody guesses what a count is."""
    record = interval_of(INTERVAL)
    assert shown(INTERVAL)["index_end", "vm"] == (f"{record.totals[0].end}", "counts")


def test_what_is_special_is_shown() -> None:
    """Reverse flow, a meter's correction, and flags."""
    record = replace(
        interval_of(INTERVAL), line_reverse_cm3=5, cf_e9=999_000_000, flags=int(Flag.GAP), hs_j_m3=0
    )
    found = shown(INTERVAL._replace(body=record.to_body()))
    assert found["line_reverse", ""] == ("0.000005", "m3")
    assert found["correction", ""] == ("0.999000000", "")
    assert found["flags", ""] == ("GAP", "")
    assert ("energy", "") not in found


def test_a_scan_with_and_without_its_map() -> None:
    """Values with the instrument's unit; raw integers by position otherwise."""
    scan = next(leaf for leaf in TELEMETRY if leaf.subject == "K-200")
    found = shown(scan, Explanation(register_map=story.KELLER))
    assert found["value", "p1_f32"][1] == "bar"
    assert found["value", "p1_f32"][0].startswith("3")
    assert found["quality", ""] == ("GOOD", "")
    assert shown(scan)["raw", "0"] == (f"{scan.body[0]}", "")
    silent = next(leaf for leaf in TELEMETRY if leaf.quality)
    assert shown(silent, Explanation(register_map=story.KELLER))["value", "p1_f32"][0] == "-"
    assert shown(silent)["raw", "0"] == ("-", "")


def test_events_and_all_other_leaves() -> None:
    """An event's five fields; any other body as JSON, cut where it is long."""
    found = shown(first(Kind.EVENT))
    assert found["code", ""] == ("unheard_of", "")
    assert found["detail", ""] == ("<b>0.1</b>", "")
    (body,) = figures_of(first(Kind.REGISTER_MAP), Explanation())
    assert len(body.value) == MAX_SHOWN_CHARS
    with pytest.raises(ValueError):
        shown(first(Kind.EVENT)._replace(body=(1, 2)))


def test_a_statement_is_shown_field_by_field() -> None:
    """As it was stated: a text without quotes, what is not known as null."""
    body = ("compared", "Li", "check", (("line.read_m3", "1.50"), ("counts", 7), ("seal", None)))
    found = shown(first(Kind.EVENT)._replace(kind=Kind.STATEMENT, body=body))
    assert found["code", ""] == ("compared", "")
    assert found["why", ""] == ("check", "")
    assert [found["field", name][0] for name in ("line.read_m3", "counts", "seal")] == [
        "1.50", "7", "null",
    ]  # fmt: skip


def test_names_of_codes() -> None:
    """Known ones by name, unknown ones by number."""
    assert quality_name(128) == "BAD_NO_ANSWER"
    assert quality_name(77) == "77"
    assert flag_names(int(Flag.GAP) | 1 << 40) == ("GAP", f"{1 << 40}")
