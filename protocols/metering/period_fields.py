"""A period's record as plain fields, for JSON: what `edge-agent report` and central both answer.

Integers in the unit that a name ends with, so every figure is exact: `_cm3` is 1e-6 m3, `_dpa` 0.1
Pa, `_mk` 1 mK, `_e9` 1e-9, `_ms` milliseconds (an instant: UTC since 1970). Energy in whole joules,
and the microjoules that are left: with them hours add up to their day.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from protocols.metering.carry import Counters
from protocols.metering.energy import MICRO, shown_kwh, shown_mj
from protocols.metering.period import PeriodRecord
from protocols.metering.quality import Flag
from protocols.metering.run_config import RunConfig

Fields = dict[str, object]
# Only to be divided; and microjoules of a day pass 2^53, which many a reader of JSON rounds
_HIDDEN: Final = frozenset(
    {"p_sum", "t_sum", "z_sum", "c_sum", "cf_sum", "energy_main_uj", "energy_error_uj"}
)
_MEANS: Final = ("p_dpa", "t_mk", "z_e9", "c_e9", "cf_e9")


def period_fields(record: PeriodRecord, configs: Mapping[bytes, RunConfig]) -> Fields:
    """All of it; a mean, a counter or an index that nobody knows is None."""
    means = record.means
    line = line_indexes(record, configs)
    return {
        "kind": str(record.period.kind),
        "start_ms": record.period.start_ms,
        "end_ms": record.period.end_ms,
        "complete": record.complete,
        "missing_ms": record.missing_ms,
        **{name: value for name, value in record.sums._asdict().items() if name not in _HIDDEN},
        "energy_main_j": record.energy_main_j,
        "energy_main_remainder_uj": record.sums.energy_main_uj % MICRO,
        "energy_error_j": record.energy_error_j,
        "energy_error_remainder_uj": record.sums.energy_error_uj % MICRO,
        "energy_main_kwh": shown_kwh(record.energy_main_j),
        "energy_main_mj": shown_mj(record.energy_main_j),
        "energy_error_kwh": shown_kwh(record.energy_error_j),
        "energy_error_mj": shown_mj(record.energy_error_j),
        **(dict.fromkeys(_MEANS) if means is None else means._asdict()),
        "flags": record.flags,
        "flag_names": flag_names(record.flags),
        "hs_j_m3": list(record.heating_values),
        "methods": list(record.methods(configs)),
        "config_hashes": [name.hex() for name in record.config_hashes],
        "index_start": None if line is None else line[0],
        "index_end": None if line is None else line[1],
        "counters_start": _counters(record.opening),
        "counters_end": _counters(record.closing),
        "totals": [total._asdict() for total in record.totals],
    }


def line_indexes(
    record: PeriodRecord, configs: Mapping[bytes, RunConfig]
) -> tuple[int, int] | None:
    """The line index of the meter at the start and the end, in counts of its resolution.

    The meter may have been replaced: the first is the first meter's, the last the last one's.
    """
    known = [configs[name] for name in record.config_hashes if name in configs]
    if not known:
        return None
    first, last = (record.indexes(config.line.point) for config in (known[0], known[-1]))
    return None if first is None or last is None else (first[0], last[1])


def quarantined_cm3(record: PeriodRecord, configs: Mapping[bytes, RunConfig]) -> int:
    """Line volume of jumps that a person must decide on: between the indexes, and in no volume."""
    known = [configs[name] for name in record.config_hashes if name in configs]
    count_cm3 = {config.line.point: config.count_cm3 for config in known}
    return sum(
        total.quarantined * count_cm3[total.point]
        for total in record.totals
        if total.point in count_cm3
    )


def flag_names(flags: int) -> list[str]:
    """The names of the flags that are set."""
    return [str(flag.name) for flag in Flag if flags & flag]


def _counters(counters: Counters | None) -> Fields | None:
    if counters is None:
        return None
    return {f"{name}_cm3": value for name, value in counters._asdict().items()} | {
        "line_unhaltable_cm3": counters.line_unhaltable,
        "base_unhaltable_cm3": counters.base_unhaltable,
    }
