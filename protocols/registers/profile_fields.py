"""Tables of a profile file: known keys, right types, short texts; a fault for each that is not."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from protocols.registers.point import Table

MAX_TEXT: Final = 500
MAX_INTEGER: Final = 1 << 64  # Python cannot even print what a hexadecimal literal may hold

Fields = Mapping[str, tuple[type, bool]]
"""Key -> (type, whether it must be there)."""


def checked(table: Any, fields: Fields, where: str, faults: list[str]) -> dict[str, Any]:
    """The entries of a table that are known and of the right type; a fault for each other one."""
    if not isinstance(table, dict):
        faults.append(f"{where.rstrip('.')}: must be a table")
        return {}
    good = {}
    for key, value in table.items():
        if key not in fields:
            faults.append(f"{where}{key[:40]}: unknown key; known: {', '.join(fields)}")
        elif type(value) is not fields[key][0]:
            faults.append(f"{where}{key}: must be {fields[key][0].__name__}")
        elif isinstance(value, str) and len(value) > MAX_TEXT:
            faults.append(f"{where}{key}: longer than {MAX_TEXT} characters")
        elif isinstance(value, int) and abs(value) > MAX_INTEGER:
            faults.append(f"{where}{key}: must be within 64 bits")
        else:
            good[key] = value
    faults.extend(
        f"{where}{key}: missing"
        for key, (_, required) in fields.items()
        if required and key not in table
    )
    return good


def integers(found: Any, where: str, faults: list[str], limit: int = 64) -> tuple[int, ...]:
    """A list of integers."""
    if not isinstance(found, list) or len(found) > limit:
        faults.append(f"{where}: must be a list of at most {limit} integers")
        return ()
    if not all(type(value) is int and abs(value) <= MAX_INTEGER for value in found):
        faults.append(f"{where}: must be integers within 64 bits")
        return ()
    return tuple(found)


def names(found: Any, where: str, known: Sequence[str], faults: list[str]) -> tuple[str, ...]:
    """A list of names that must be known."""
    if not isinstance(found, list):
        faults.append(f"{where}: must be a list of names")
        return ()
    good = tuple(name for name in found if isinstance(name, str) and name in known)
    faults.extend(f"{where}: {shown(name)} is no point" for name in found if name not in good)
    return good


def shown(value: object) -> str:
    """A wrong value in a message: short, and only texts are printed."""
    return repr(value[:40]) if isinstance(value, str) else f"a {type(value).__name__}"


def code_table(found: Any, where: str, faults: list[str]) -> Table:
    """`{ 0 = "off", 1 = "on" }`: integers to texts, in the file's order."""
    if not isinstance(found, dict):
        faults.append(f"{where}: must be a table of codes and texts")
        return ()
    entries = []
    for key, text in found.items():
        digits = key.removeprefix("-")
        if not (digits.isascii() and digits.isdecimal() and len(key) <= 20):
            faults.append(f"{where}.{key[:40]}: the code must be an integer")
        elif not isinstance(text, str):
            faults.append(f"{where}.{key}: must be str")
        else:
            entries.append((int(key), text))
    return tuple(entries)
