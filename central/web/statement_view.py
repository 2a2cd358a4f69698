"""A statement as it is read: its plain facts, and a table of the figures that belong together.

A field `working.supply.left_kpa_gauge` stands in the row "working run, supply pressure" under
"left", in kPa gauge; one without a point is a fact of its own. What this version has no words for
is shown by its name.
"""

from collections.abc import Mapping
from datetime import tzinfo
from decimal import Decimal
from typing import Final, NamedTuple

from central.ledger.statements import StatementRow
from central.web.instants import wall_clock
from central.web.words import Words
from protocols.evidence.statement import Value

MAX_CELLS: Final = 2_000
"""Of a table; fields of which each is a row and a column of its own are told one by one."""
_UNITS: Final = {
    "_kpa_gauge": "kpa_gauge",
    "_kpa": "kpa",
    "_m3": "m3",
    "_percent": "percent",
    "_c": "celsius",
}
_ORDER: Final = (
    "display", "reference", "reading", "end", "end_from", "typed", "polled", "start", "read",
    "computed", "unseen", "found", "left", "configured", "deviation", "allowed", "limit", "verdict",
)  # fmt: skip
_UTC: Final = "_utc_ms"
_FLAGS: Final = frozenset(
    (
        "temporary",
        "old_answered",
        "new_answered",
        "run_removed",
        "adjusted",
        "configuration_changed",
        "undervoltage",
        "undervoltage_since_boot",
        "pressure_is_gauge",
    )
)


class Line(NamedTuple):
    """One row of figures; `is_bad`: outside its limit."""

    label: str
    unit: str
    cells: tuple[str, ...]
    is_bad: bool


class Figures(NamedTuple):
    """A table: what its columns are, and its rows."""

    columns: tuple[str, ...]
    rows: tuple[Line, ...]


class View(NamedTuple):
    """`light`: good, bad or none; `facts`: label and text."""

    light: str
    facts: tuple[tuple[str, str], ...]
    figures: Figures


def statement_view(row: StatementRow, zone: tzinfo, words: Words) -> View:
    """All of it in words."""
    verdict = row.get("verdict")
    light = {"within": "good", "outside": "bad"}.get(f"{verdict}", "none")
    figures = _figures(row, words)
    if len(figures.columns) * len(figures.rows) > MAX_CELLS:
        figures = Figures((), ())
    facts = tuple(
        _fact(name, value, zone, words)
        for name, value in row.fields
        if ("." not in name or not figures.rows) and name != "verdict" and value not in (None, "")
    )
    return View(light, facts, figures)


def _fact(name: str, value: Value, zone: tzinfo, words: Words) -> tuple[str, str]:
    base, unit = _unit(name, words)
    label = words.get(f"said_field.{base}") or base
    if name.endswith(_UTC) and isinstance(value, int):
        label = words.get(f"said_field.{name.removesuffix(_UTC)}") or name
        return label, wall_clock(value, zone) or f"{value}"
    if name in _FLAGS and value in (0, 1):
        return label, words(f"said_value.{'yes' if value else 'no'}")
    if name == "findings":
        return label, _findings(f"{value}", words)
    return label, f"{_value(value, words)} {unit}".rstrip()


def _findings(text: str, words: Words) -> str:
    """`differs:working.supply standby_above:...`."""
    parts = []
    for part in text.split():
        code, _, name = part.partition(":")
        told = words.get(f"said_value.{code}") or code
        parts.append(f"{_row_label(name, words)}: {told}")
    return "; ".join(parts)


def _figures(row: StatementRow, words: Words) -> Figures:
    rows: dict[str, dict[str, Value]] = {}
    units: dict[str, str] = {}
    for name, value in row.fields:
        head, point, last = name.rpartition(".")
        if not point:
            continue
        column, unit = _unit(last, words)
        rows.setdefault(head, {})[column] = value
        if unit:
            units[head] = unit
    names = list(dict.fromkeys(column for cells in rows.values() for column in cells))
    names.sort(key=lambda name: _ORDER.index(name) if name in _ORDER else len(_ORDER))
    return Figures(
        tuple(words.get(f"said_column.{name}") or name for name in names),
        tuple(
            Line(
                _row_label(head, words),
                units.get(head, ""),
                tuple(_value(cells[name], words) if name in cells else "" for name in names),
                _is_bad(cells),
            )
            for head, cells in rows.items()
        ),
    )


def _is_bad(cells: Mapping[str, Value]) -> bool:
    if "verdict" in cells:
        return cells["verdict"] == "outside"
    try:
        return abs(Decimal(f"{cells['deviation']}")) > Decimal(f"{cells['allowed']}")
    except (KeyError, ArithmeticError):  # no numbers, or none that fit
        return False


def _row_label(head: str, words: Words) -> str:
    return " ".join(words.get(f"said_row.{part}") or part for part in head.split("."))


def _unit(name: str, words: Words) -> tuple[str, str]:
    """The name without its unit, and the unit as it is written."""
    for suffix, unit in _UNITS.items():
        if name.endswith(suffix):
            return name.removesuffix(suffix), words(f"said_unit.{unit}")
    return name, ""


def _value(value: Value, words: Words) -> str:
    if value is None:
        return words("page.none")
    return (words.get(f"said_value.{value}") if isinstance(value, str) else None) or f"{value}"
