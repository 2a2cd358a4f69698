"""What a served device shall show, as TOML: points and composites by name.

p1_f32 = 4.75                              # always
vm = { start = 123456, per_s = 0.5 }       # grows; a composite in counts of its resolution
temperature = "none"                       # no value: a sentinel, or NaN
serial = "4711"                            # a text point
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from simulators.plausible import Given

if TYPE_CHECKING:
    from collections.abc import Mapping

    from protocols.registers.profile import Profile


class ValuesError(ValueError):
    """A file of values that cannot be used; every fault at once, by name."""


def parse_values(text: str, profile: Profile) -> Mapping[str, Given]:
    """Raises ValuesError."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValuesError(f"no TOML: {error}") from error
    texts = {point.name for point in profile.points if point.type.startswith("text")}
    given: dict[str, Given] = {}
    faults = []
    for name, value in table.items():
        found = _given(value, is_text=name in texts)
        if name not in profile.names:
            faults.append(f"{name}: no point of {profile.id}")
        elif found is None:
            faults.append(f'{name}: must be a number, a text, "none" or {{ start, per_s }}')
        else:
            given[name] = found
    if faults:
        raise ValuesError("; ".join(faults))
    return given


def _given(value: Any, *, is_text: bool) -> Given | None:
    match value:
        case str() if is_text:
            return Given(None, text=value)
        case "none":
            return Given(None)
        case bool():
            return Given(int(value))
        case int() | float():
            return Given(value)
        case {"start": int() | float() as start, "per_s": int() | float() as per_s, **rest}:
            return None if rest else Given(start, per_s)
        case _:
            return None
