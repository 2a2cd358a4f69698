"""Reads fields out of a TOML table and collects every fault, by field name and with the remedy.

A field that is missing or wrong yields a placeholder, so that reading goes on and all faults are
told at once; whoever reads must not use the values once `faults` is not empty.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

MAX_FAULTS: Final = 200
MAX_TEXT: Final = 4096
MAX_FREE_KEYS: Final = 64
_REQUIRED: Final = object()
_LOGIN: Final = re.compile(r"(://)[^\s\"]{1,256}@")


def without_login(text: str) -> str:
    """Without user and password of an address: a fault of a proxy goes into log and evidence, too.
    A password may have an @ or a / in it.
    """
    return _LOGIN.sub(r"\1***@", text)


class Fault(NamedTuple):
    """One thing that is wrong in a configuration file."""

    field: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.field}: {self.problem}; {self.remedy}"


class Faults:
    """The faults found so far, in the order of finding, each once, at most MAX_FAULTS."""

    def __init__(self) -> None:
        self._faults: dict[Fault, None] = {}
        self.warnings: list[str] = []  # what may be right, and should be looked at

    def add(self, field: str, problem: str, remedy: str) -> None:
        if len(self._faults) < MAX_FAULTS:
            self._faults[Fault(field, problem, remedy)] = None

    def all(self) -> tuple[Fault, ...]:
        return tuple(self._faults)


class Section:
    """One table of the file.

    Every access names the key; `done` reports the keys nobody asked for.
    """

    def __init__(self, table: Mapping[str, Any], path: str, faults: Faults, name: str = "") -> None:
        self.path = path
        self.name = name  # of a table in an array
        self._table = table
        self._faults = faults
        self._asked: set[str] = set()

    def fault(self, key: str, problem: str, remedy: str) -> None:
        self._faults.add(self.field(key), problem, remedy)

    def warn(self, key: str, text: str) -> None:
        """Something that may be right, and that a person should look at."""
        if len(self._faults.warnings) < MAX_FAULTS:
            self._faults.warnings.append(f"{self.field(key)}: {text}")

    def field(self, key: str) -> str:
        return ".".join(part for part in (self.path, key) if part)

    def fault_count(self) -> int:
        """Of the whole file so far: to see whether some fields were good."""
        return len(self._faults.all())

    def has(self, key: str) -> bool:
        return key in self._table

    def text(
        self, key: str, pattern: str = r"[^\x00-\x1f\x7f]+", default: object = _REQUIRED
    ) -> str:
        """A string that fully matches the pattern."""
        value = self._take(key, default, "a text")
        if value is None or value is default:
            return str(value or "")
        if not isinstance(value, str):
            self.fault(key, f"is {_kind(value)}", "write a text in quotes")
            return ""
        if len(value) > MAX_TEXT or not re.fullmatch(pattern, value):
            self.fault(key, f"{without_login(value)[:60]!r} does not fit", f"must match {pattern}")
            return ""
        return value

    def choice(self, key: str, choices: Sequence[str], default: object = _REQUIRED) -> str:
        """One of the given words."""
        value = self._take(key, default, f"one of {', '.join(choices)}")
        if value is None:
            return choices[0]
        if value not in choices:
            self.fault(key, f"{value!r} is unknown", f"use one of {', '.join(choices)}")
            return choices[0]
        return str(value)

    def flag(self, key: str, default: object = _REQUIRED) -> bool:
        value = self._take(key, default, "true or false")
        if value is None:
            return False
        if not isinstance(value, bool):
            self.fault(key, f"is {_kind(value)}", "write true or false")
            return False
        return value

    def integer(self, key: str, low: int, high: int, default: object = _REQUIRED) -> int:
        """A whole number within low..high."""
        value = self._take(key, default, f"a whole number, {low} to {high}")
        if value is None:
            return low
        if not isinstance(value, int) or isinstance(value, bool):
            self.fault(key, f"is {_kind(value)}", f"write a whole number, {low} to {high}")
            return low
        return int(self._within(key, value, low, high))

    def number(self, key: str, low: str, high: str, default: object = _REQUIRED) -> Decimal:
        """A number within low..high (decimal strings), exactly as written.

        Never NaN or infinity.
        """
        value = self._take(key, default, f"a number, {low} to {high}")
        if value is None:
            return Decimal(low)
        if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
            self.fault(key, f"is {_kind(value)}", f"write a number, {low} to {high}")
            return Decimal(low)
        number = Decimal(value)
        if not number.is_finite():
            self.fault(key, f"{value} is no number", f"write a number, {low} to {high}")
            return Decimal(low)
        return Decimal(self._within(key, number, Decimal(low), Decimal(high)))

    def scaled(self, key: str, low: str, high: str, unit: str, default: object = _REQUIRED) -> int:
        """The number as a whole count of `unit` (a decimal string), rounded half to even."""
        return int((self.number(key, low, high, default) / Decimal(unit)).to_integral_value())

    def texts(self, key: str, most: int, default: object = _REQUIRED) -> tuple[str, ...]:
        """A list of different strings."""
        value = self._take(key, default, "a list of texts")
        if value is None:
            return ()
        if not isinstance(value, (list, tuple)) or not all(isinstance(v, str) for v in value):
            self.fault(key, f"is {_kind(value)}", 'write a list of texts, like ["a", "b"]')
            return ()
        if not value or len(value) > most or len(set(value)) != len(value):
            self.fault(key, f"has {len(value)} entries", f"write 1 to {most} different texts")
            return ()
        return tuple(value)

    def section(self, key: str, *, required: bool = True) -> Section:
        """A table within this one; an empty one where it is missing."""
        value = self._take(key, _REQUIRED if required else {}, "a table")
        if value is not None and not isinstance(value, dict):
            self.fault(key, f"is {_kind(value)}", f"write it as a table: {key} = {{ ... }}")
            value = None
        if value is None:
            return Section({}, self.field(key), Faults())  # one fault told, not one per field of it
        return Section(value, self.field(key), self._faults)

    def table(self, key: str, default: object = _REQUIRED) -> dict[str, Any]:
        """A table whose keys are free, such as a composition; {} where it is missing."""
        value = self._take(key, default, "a table")
        if value is None:
            return {}
        if not isinstance(value, dict) or len(value) > MAX_FREE_KEYS:
            remedy = f"write it as a table of at most {MAX_FREE_KEYS}: {key} = {{ ... }}"
            self.fault(key, f"is {_kind(value)}", remedy)
            return {}
        return value

    def pairs(self, key: str, most: int) -> list[tuple[Decimal, Decimal]]:
        """A list of pairs of numbers, [] where it is missing."""
        value = self._take(key, [], "")
        remedy = f"write at most {most} pairs of numbers: {key} = [[16, 0.3], [160, -0.1]]"
        if not isinstance(value, list) or len(value) > most:
            self.fault(key, f"is {_kind(value)}", remedy)
            return []
        pairs = []
        for place, pair in enumerate(value, start=1):
            numbers = pair if isinstance(pair, list) else []
            if len(numbers) != 2 or any(type(n) not in (int, Decimal) for n in numbers):
                self.fault(key, f"entry {place} is no pair of numbers", remedy)
                return []
            pairs.append((Decimal(numbers[0]), Decimal(numbers[1])))
        if not all(number.is_finite() for pair in pairs for number in pair):
            self.fault(key, "holds something that is no number", remedy)
            return []
        return pairs

    def sections(self, key: str, name_key: str, most: int) -> list[Section]:
        """An array of tables; each is called by its name, `run[R1]`, or by its place, `run[#2]`."""
        value = self._take(key, [], "")
        if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
            self.fault(key, f"is {_kind(value)}", f"write each as a table under [[{key}]]")
            return []
        if len(value) > most:
            self.fault(key, f"there are {len(value)}", f"at most {most} on one gateway")
        sections = []
        for place, entry in enumerate(value[:most], start=1):
            name = entry.get(name_key)
            label = name[:40] if isinstance(name, str) and name else f"#{place}"
            sections.append(Section(entry, f"{self.field(key)}[{label}]", self._faults, label))
        return sections

    def done(self) -> None:
        """Report the keys that nobody asked for, each with the nearest known name."""
        for key in self._table:
            if key not in self._asked:
                self.fault(key[:80], "is no known key", nearest(key, self._asked))

    def _take(self, key: str, default: object, what: str) -> Any:
        """The value, the default, or None where a required key is missing (then reported)."""
        self._asked.add(key)
        if key in self._table:
            return self._table[key]
        if default is _REQUIRED:
            self.fault(key, "is missing", f"add {key}: {what}" if what else f"add {key}")
            return None
        return default

    def _within(self, key: str, value: Any, low: Any, high: Any) -> Any:
        if low <= value <= high:
            return value
        self.fault(key, f"{value} is out of range", f"must be {low} to {high}")
        return low


def nearest(name: str, known: Iterable[str]) -> str:
    """The remedy for a name that is not known."""
    import difflib  # only here: 140 kB for a mistake that is rare

    names = sorted(known)
    close = difflib.get_close_matches(name[:80], names, n=1)
    if close:
        return f"did you mean {close[0]}?"
    return f"use one of {', '.join(names)}" if names else "remove it"


def _kind(value: object) -> str:
    names = {bool: "true/false", int: "a number", Decimal: "a number", str: "a text"}
    return names.get(type(value), "a list" if isinstance(value, list) else "a table")
