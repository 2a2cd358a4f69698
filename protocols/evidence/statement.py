"""What a STATEMENT leaf says: an act or a finding on site, or what the gateway says of itself.

A calibration, a replaced meter, a comparison with the display, a commissioning, the gateway's own
health: each a code, who says it (a claim), why, and named fields in the order they were given.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from protocols.evidence import cbor
from protocols.evidence.cbor import Body, Item
from protocols.evidence.errors import Malformed

MAX_FIELDS: Final = 256
MAX_TEXT_CHARS: Final = 500
MAX_BYTES: Final = 60_000
"""Of the whole body: a leaf has room for little more."""
MAX_INTEGER: Final = (1 << 63) - 1
_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_NAME: Final = re.compile(r"[a-z][a-z0-9_.-]{0,63}")

Value = int | str | None


class Statement(NamedTuple):
    """One statement. A number that is not whole is a text in decimal, with its unit in the name:
    ``("reference_pressure_kpa", "101.325")``. ``who`` and ``why`` are claims of a person.
    """

    code: str
    who: str
    why: str
    fields: tuple[tuple[str, Value], ...]

    def to_body(self) -> Body:
        """The leaf's body. Raises Malformed for what `parse_statement` would refuse."""
        body = (self.code, self.who, self.why, tuple(self.fields))
        parse_statement(body)
        if (size := len(cbor.encode(body))) > MAX_BYTES:
            raise Malformed(f"statement: {size} bytes, at most {MAX_BYTES} fit a leaf")
        return body

    def get(self, name: str) -> Value:
        """The field's value; None where it is missing."""
        return next((value for key, value in self.fields if key == name), None)

    @property
    def change(self) -> tuple[Value, Value]:
        """What it says in short, as an event's old and new: which meter for which, or a verdict."""
        old = self.get("old_serial") if self.code in ("meter_replaced", "meter_removed") else None
        found = (self.get(name) for name in ("new_serial", "verdict", "until"))
        return old, next((value for value in found if value is not None), None)


def parse_statement(body: Body) -> Statement:
    """The strict inverse of `Statement.to_body`; raises Malformed."""
    match body:
        case (str(code), str(who), str(why), tuple(fields)):
            if not _CODE.fullmatch(code):
                raise Malformed(f"statement: code {code[:60]!r} does not fit {_CODE.pattern}")
            if len(fields) > MAX_FIELDS:
                raise Malformed(f"statement: {len(fields)} fields, at most {MAX_FIELDS}")
            read = tuple(_field(each) for each in fields)
        case _:
            raise Malformed("statement: not [code, who, why, fields]")
    if len({name for name, _ in read}) != len(read):
        raise Malformed("statement: a field is named twice")
    for what, text in (("who", who), ("why", why)):
        if len(text) > MAX_TEXT_CHARS:
            raise Malformed(f"statement: {what} has more than {MAX_TEXT_CHARS} characters")
    return Statement(code, who, why, read)


def _field(item: Item) -> tuple[str, Value]:
    match item:
        case (str(name), None | int() | str() as value):
            if not _NAME.fullmatch(name):
                raise Malformed(f"statement: field {name[:80]!r} does not fit {_NAME.pattern}")
            if isinstance(value, str) and len(value) > MAX_TEXT_CHARS:
                raise Malformed(f"statement: {name} has more than {MAX_TEXT_CHARS} characters")
            if isinstance(value, int) and abs(value) > MAX_INTEGER:
                raise Malformed(f"statement: {name} is above {MAX_INTEGER}")
            return name, value
        case _:
            raise Malformed("statement: a field is not [name, integer, text or null]")
