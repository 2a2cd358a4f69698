"""An edited interval in words: which version it is, who made it, why, and what was recorded."""

from collections.abc import Callable
from datetime import tzinfo
from typing import Final

from central.ledger.rows import IntervalRow
from central.web import numbers
from central.web.instants import wall_clock
from central.web.words import Words
from protocols.metering.edited import Amounts

_SHOWN: Final[tuple[tuple[str, Callable[[Amounts], str], str], ...]] = (
    ("run.line", lambda of: numbers.volume_m3(of.line_cm3), " m³"),
    ("run.in_error", lambda of: numbers.volume_m3(of.line_error_cm3), " m³"),
    ("run.base", lambda of: numbers.volume_m3(of.base_cm3), " m³"),
    ("run.mean_pressure", lambda of: numbers.pressure_kpa(of.p_dpa), " kPa"),
    ("run.mean_temperature", lambda of: numbers.temperature_c(of.t_mk), " °C"),
    ("run.z", lambda of: numbers.factor(of.z_e9), ""),
    ("run.c", lambda of: numbers.factor(of.c_e9), ""),
    ("edit.cf", lambda of: numbers.factor(of.cf_e9), ""),
    ("edit.hs", lambda of: numbers.rounded(of.hs_j_m3, 6, 4), " MJ/m³"),
)


def edit_label(row: IntervalRow, words: Words) -> str:
    """Version and kind; empty where the interval is as recorded."""
    if row.edit is None:
        return ""
    kind = words.get(f"edit.{row.edit.kind}") or row.edit.kind
    return words("edit.version", n=row.version, kind=kind)


def edit_title(row: IntervalRow, zone: tzinfo, words: Words) -> str:
    """Who, when and why, the rule of an estimate, and what of the recorded figures changed."""
    edit = row.edit
    if edit is None:
        return ""
    lines = [
        words("edit.by", who=edit.who, at=wall_clock(edit.at_ms, zone)),
        words("edit.why", reason=edit.reason),
    ]
    if edit.rule:
        lines.append(words("edit.rule", rule=edit.rule))
    now = Amounts(*(getattr(row, name) for name in Amounts._fields))
    for label, shown, unit in _SHOWN:
        old, new = shown(edit.recorded), shown(now)
        if old != new:
            lines.append(f"{words(label)}: {old} → {new}{unit}")
    return "\n".join(lines)


def difference_m3(now_cm3: int, recorded_cm3: int) -> str:
    """What edits added to a volume, with its sign; empty where nothing."""
    moved = now_cm3 - recorded_cm3
    return f"{'+' if moved > 0 else ''}{numbers.volume_m3(moved)}" if moved else ""
