"""Where in a TOML text each key stands: tomllib tells values, a fault needs a line as well.

Walks over a text that tomllib has accepted, so it looks for structure only: headers, keys,
brackets and strings. Paths are written like `points[3].address`.
"""

import re
from contextlib import suppress
from typing import Final

_BLANK: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_STRING: Final = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|' + r"'''.*?'{3,5}|" + r'"(?:[^"\\\n]|\\.)*"|' + r"'[^'\n]*'",
    re.DOTALL,
)
_SCALAR: Final = re.compile(r"[^,\]}\n#]*")
_PATH: Final = re.compile(r"[A-Za-z0-9_-]+(?:\[\d+\])?(?:\.[A-Za-z0-9_-]+(?:\[\d+\])?)*")
_LAST: Final = re.compile(r"(?:\[\d+\]|\.?[A-Za-z0-9_-]+)$")


class KeyLines:
    """The line of each path of one text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._counts: dict[str, int] = {}  # arrays of tables: how many so far
        self._lines: dict[str, int] = {}
        self._line, self._line_at = 1, 0
        with suppress(RecursionError):  # nested without measure: lines from there on are not told
            self._statements()

    def of(self, fault: str) -> int:
        """The line of the path that a fault begins with, or of the nearest one above; 0: none."""
        match = _PATH.match(fault)
        path = match[0] if match else ""
        while path and path not in self._lines:
            path = _LAST.sub("", path)
        return self._lines.get(path, 0)

    def _statements(self) -> None:
        prefix = ""
        self._skip()
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                prefix = self._header()
            else:
                self._pair(prefix)
            self._skip()

    def _header(self) -> str:
        many = self._text.startswith("[[", self._at)
        line = self._here()
        self._at += 2 if many else 1
        keys = self._keys()
        self._at += 2 if many else 1
        path = ""
        for number, key in enumerate(keys):
            path = f"{path}.{key}" if path else key
            if many and number == len(keys) - 1:
                self._lines.setdefault(path, line)
                self._counts[path] = self._counts.get(path, -1) + 1
            if path in self._counts:
                path = f"{path}[{self._counts[path]}]"
            self._lines.setdefault(path, line)
        return path

    def _pair(self, prefix: str) -> None:
        line = self._here()
        path = prefix
        for key in self._keys():
            path = f"{path}.{key}" if path else key
            self._lines.setdefault(path, line)
        self._at += 1  # the equals sign
        self._value(path)

    def _value(self, path: str) -> None:
        self._skip()
        if self._at >= len(self._text):
            return
        first = self._text[self._at]
        if first in "[{":
            self._nested(path, "]" if first == "[" else "}")
        elif string := _STRING.match(self._text, self._at):
            self._at = string.end()
        else:
            scalar = _SCALAR.match(self._text, self._at)
            self._at = scalar.end() if scalar else len(self._text)

    def _nested(self, path: str, closing: str) -> None:
        self._at += 1
        number = 0
        while self._at < len(self._text):
            self._skip()
            if self._text.startswith(closing, self._at):
                self._at += 1
                return
            before = self._at
            if closing == "]":
                self._lines.setdefault(f"{path}[{number}]", self._here())
                self._value(f"{path}[{number}]")
            else:
                self._pair(path)
            number += 1
            self._skip()
            if self._text.startswith(",", self._at):
                self._at += 1
            self._at = max(self._at, before + 1)  # whatever the text is, there is an end

    def _keys(self) -> list[str]:
        keys: list[str] = []
        while True:
            self._skip()
            match = _BARE.match(self._text, self._at) or _STRING.match(self._text, self._at)
            if match is None:
                return keys
            keys.append(match[0].strip("\"'"))
            self._at = match.end()
            self._skip()
            if not self._text.startswith(".", self._at):
                return keys
            self._at += 1

    def _skip(self) -> None:
        blank = _BLANK.match(self._text, self._at)
        self._at = blank.end() if blank else self._at

    def _here(self) -> int:
        """The line of the place reached; places only ever move on."""
        self._line += self._text.count("\n", self._line_at, self._at)
        self._line_at = self._at
        return self._line
