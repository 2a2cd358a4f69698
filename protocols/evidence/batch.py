"""Leaves of one log as columns, in the order of their seqs: the payload of an upload.

Leaves that agree in all but their integers form a group (for scans: one device); groups whose
leaves have the same shape lie under each other in the same columns, device after device, field
after field. Gateway, epoch, seq and salt are not sent: they follow from the upload's envelope.

    payload = varint(noise bytes) | noise | raw deflate of the rest
    rest    = varint(header bytes) | CBOR (shapes, groups) | order of the groups | columns | repeats

    shape   = [kind, utc known, skeleton]: the body with 0 for an integer, 1 for a text equal to the
              subject, 2 for bytes equal to the reference; other texts, bytes and nulls as they are
    group   = [shape, subject, reference, boot_no, clock_state, quality]

The order is, for each leaf, 0 where the group follows that followed the last leaf's group before,
else 1 + the group. The columns of a shape are mono_ms, utc_ms if known, then the body's integers.
The repeats are the leaves with a `was`: their number, then of each how many leaves lie between it
and the one before it, epoch, seq and hash.
"""

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from protocols.evidence import cbor
from protocols.evidence.bits import BitReader, BitWriter, VarintReader, write_varint
from protocols.evidence.cbor import Body, Item
from protocols.evidence.columns import MAX_COLUMNS, read_columns, write_columns
from protocols.evidence.errors import Malformed
from protocols.evidence.leaf import HASH_BYTES, MAX_EPOCH, MAX_SEQ, Kind, Leaf, Origin, Was
from protocols.evidence.salt import BLOCK, leaf_salt

MAX_LEAVES = 65536
MAX_INFLATED_BYTES = 8 * 1024 * 1024
MAX_ITEMS = 1 << 21  # of all bodies together: what a small payload may make of itself
MAX_PAYLOAD_BYTES = 4 * 1024 * 1024
_MAX_HEADER_ITEMS = 1 << 20

_INTEGER, _SUBJECT, _REFERENCE = 0, 1, 2


class Shape(NamedTuple):
    """What leaves of one form have in common."""

    kind: Kind
    utc_known: bool
    skeleton: Body
    columns: int
    items: int
    flat: bool  # the body is integers and nothing else, as a good scan's is


class Group(NamedTuple):
    """What the leaves of one group have in common."""

    shape: int
    subject: str
    reference: bytes
    boot_no: int
    clock_state: int
    quality: int


def encode_batch(leaves: Sequence[Leaf]) -> bytes:
    """Return the payload of leaves of one log with rising seqs; raise Malformed for others."""
    _check_run(leaves)
    left = MAX_ITEMS
    shapes: dict[tuple[int, int, Body], int] = {}
    groups: dict[Group, int] = {}
    order: list[int] = []
    rows: list[list[list[int]]] = []
    for leaf in leaves:
        group, numbers = _group(leaf, shapes)
        left -= _measure(leaf.body)[1]
        if left < 0:
            raise Malformed(f"batch: more than {MAX_ITEMS} items; seal fewer leaves")
        at = groups.setdefault(group, len(groups))
        if at == len(rows):
            rows.append([])
        rows[at].append(numbers)
        order.append(at)
    rest = bytearray()
    tables: Item = (tuple(shapes), tuple([tuple(group) for group in groups]))
    cbor.check_item(tables, "batch header", _MAX_HEADER_ITEMS)
    header = cbor.encode(tables)
    write_varint(rest, len(header))
    rest += header
    for code in _order_codes(order):
        write_varint(rest, code)
    noise = BitWriter()
    for members in _members(len(shapes), groups):
        columns = list(zip(*(row for at in members for row in rows[at]), strict=True))
        write_columns(columns, [len(rows[at]) for at in members], rest, noise)
    _write_repeats(leaves, rest)
    if len(rest) > MAX_INFLATED_BYTES:
        raise Malformed(f"batch: {len(rest)} bytes before deflate, at most {MAX_INFLATED_BYTES}")
    packed = noise.to_bytes()
    payload = bytearray()
    write_varint(payload, len(packed))
    return bytes(payload) + packed + _deflate(bytes(rest))


def decode_batch(
    payload: bytes, origin: Origin, seqs: Sequence[int], block_salts: Mapping[int, bytes]
) -> list[Leaf]:
    """Return the leaves, whose seqs the envelope tells; raise Malformed. Inflating is bounded."""
    count = len(seqs)
    if not 0 < count <= MAX_LEAVES:
        raise Malformed(f"batch: {count} leaves, 1..{MAX_LEAVES} are read")
    rest, noise = _open(payload)
    shapes, groups = _read_header(rest, origin)
    order = _read_order(rest.many(count), len(groups))
    lengths = [0] * len(groups)
    for at in order:
        lengths[at] += 1
    if 0 in lengths:
        raise Malformed("batch: a group without leaves")
    if sum(shapes[group.shape].items * lengths[at] for at, group in enumerate(groups)) > MAX_ITEMS:
        raise Malformed(f"batch: more than {MAX_ITEMS} items")
    rows: list[list[tuple[int, ...]]] = [[] for _ in groups]
    for shape, members in zip(shapes, _members(len(shapes), groups), strict=True):
        if not members:
            raise Malformed("batch: a shape without groups")
        columns = read_columns(shape.columns, [lengths[at] for at in members], rest, noise)
        shape_rows = list(zip(*columns, strict=True))
        start = 0
        for at in members:
            rows[at] = shape_rows[start : start + lengths[at]]
            start += lengths[at]
    repeats = _read_repeats(rest, count)
    rest.end()
    noise.end()
    places = [iter(group_rows) for group_rows in rows]
    leaves = []
    for place, (seq, at) in enumerate(zip(seqs, order, strict=True)):
        salt_of_block = block_salts.get(seq // BLOCK)
        if salt_of_block is None:
            raise Malformed(f"batch: no salt for block {seq // BLOCK}")
        group = groups[at]
        leaf = _leaf(origin, seq, group, shapes[group.shape], next(places[at]))
        salt = leaf_salt(salt_of_block, seq)
        leaves.append(leaf._replace(salt=salt, was=repeats.get(place)))
    return leaves


def _check_run(leaves: Sequence[Leaf]) -> None:
    if not 0 < len(leaves) <= MAX_LEAVES:
        raise Malformed(f"batch: {len(leaves)} leaves, 1..{MAX_LEAVES} can be sent")
    origin, last = leaves[0].origin(), -1
    for leaf in leaves:
        if leaf.seq <= last or leaf.origin() != origin:
            raise Malformed(f"batch: leaf {leaf.origin()} {leaf.seq} after {origin} {last}")
        last = leaf.seq


def _write_repeats(leaves: Sequence[Leaf], rest: bytearray) -> None:
    repeats = [(place, leaf.was) for place, leaf in enumerate(leaves) if leaf.was is not None]
    write_varint(rest, len(repeats))
    next_place = 0
    for place, was in repeats:
        for number in (place - next_place, was.epoch, was.seq):
            write_varint(rest, number)
        rest += was.hash
        next_place = place + 1


def _read_repeats(rest: VarintReader, count: int) -> dict[int, Was]:
    """Return the `was` of each leaf that has one, by its place among the leaves."""
    repeats: dict[int, Was] = {}
    next_place = 0
    for _ in range(rest.one(count, "repeated leaves")):
        place = next_place + rest.one(count - 1 - next_place, "place of a repeated leaf")
        epoch, seq = rest.one(MAX_EPOCH, "was.epoch"), rest.one(MAX_SEQ, "was.seq")
        repeats[place] = Was(epoch, seq, rest.take(HASH_BYTES))
        next_place = place + 1
    return repeats


def _group(leaf: Leaf, shapes: dict[tuple[int, int, Body], int]) -> tuple[Group, list[int]]:
    """Return the leaf's group and its integers; a new shape is added to ``shapes``."""
    numbers = [leaf.mono_ms]
    if leaf.utc_ms is not None:
        numbers.append(leaf.utc_ms)
    before = len(numbers)
    skeleton = _skeleton(leaf.body, leaf.subject, leaf.reference, numbers)
    if len(numbers) - before > MAX_COLUMNS:
        raise Malformed(f"batch: leaf {leaf.seq} holds more than {MAX_COLUMNS} integers")
    key = (int(leaf.kind), int(leaf.utc_ms is not None), skeleton)
    shape = shapes.setdefault(key, len(shapes))
    state = (leaf.boot_no, int(leaf.clock_state), int(leaf.quality))
    return Group(shape, leaf.subject, leaf.reference, *state), numbers


def _skeleton(body: Body, subject: str, reference: bytes, numbers: list[int]) -> Body:
    skeleton: list[Item] = []
    for item in body:
        if isinstance(item, int):
            numbers.append(item)
            skeleton.append(_INTEGER)
        elif isinstance(item, tuple):
            skeleton.append(_skeleton(item, subject, reference, numbers))
        elif item == subject:
            skeleton.append(_SUBJECT)
        elif item == reference:
            skeleton.append(_REFERENCE)
        else:
            skeleton.append(item)
    return tuple(skeleton)


def _leaf(origin: Origin, seq: int, group: Group, shape: Shape, row: tuple[int, ...]) -> Leaf:
    """Put a leaf together; its salt is filled in by the caller."""
    numbers = iter(row)
    mono_ms = next(numbers)
    utc_ms = next(numbers) if shape.utc_known else None
    if shape.flat:
        body: Body = tuple(numbers)
    else:
        body = _body(shape.skeleton, group, numbers)
    return Leaf(
        shape.kind, origin.gateway, origin.epoch, seq, group.subject, group.reference,
        group.boot_no, mono_ms, utc_ms, group.clock_state, group.quality, body, b"",
    )  # fmt: skip


def _body(skeleton: Body, group: Group, numbers: Iterator[int]) -> Body:
    body: list[Item] = []
    for item in skeleton:
        if isinstance(item, tuple):
            body.append(_body(item, group, numbers))
        elif item == _INTEGER:
            body.append(next(numbers))
        elif item == _SUBJECT:
            body.append(group.subject)
        elif item == _REFERENCE:
            body.append(group.reference)
        else:
            body.append(item)
    return tuple(body)


def _deflate(data: bytes) -> bytes:
    """Raw deflate, by whichever of two strategies makes it shorter: display or noise."""
    tries = []
    for strategy in (zlib.Z_FILTERED, zlib.Z_RLE):
        packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS, 9, strategy)
        tries.append(packer.compress(data) + packer.flush())
    return min(tries, key=len)


def _open(payload: bytes) -> tuple[VarintReader, BitReader]:
    """Split a payload into its two streams; inflating stops at a fixed bound."""
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise Malformed(f"batch: {len(payload)} bytes, at most {MAX_PAYLOAD_BYTES} are read")
    outer = VarintReader(payload)
    noise = outer.take(outer.one(MAX_PAYLOAD_BYTES, "noise bytes"))
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        data = inflater.decompress(outer.remaining(), MAX_INFLATED_BYTES + 1)
    except zlib.error as error:
        raise Malformed(f"batch: does not inflate: {error}") from None
    if len(data) > MAX_INFLATED_BYTES:
        raise Malformed(f"batch: inflates to more than {MAX_INFLATED_BYTES} bytes")
    if not inflater.eof or inflater.unused_data:
        raise Malformed("batch: the deflate stream does not end where the payload ends")
    return VarintReader(data), BitReader(noise)


def _read_header(rest: VarintReader, origin: Origin) -> tuple[list[Shape], list[Group]]:
    size = rest.one(MAX_INFLATED_BYTES, "header bytes")
    header = cbor.decode(rest.take(size), "batch header", size, _MAX_HEADER_ITEMS)
    match header:
        case (tuple(shapes), tuple(groups)):
            known = [_read_shape(shape, origin) for shape in shapes]
            return known, [_read_group(group, len(known)) for group in groups]
        case _:
            raise Malformed("batch header: not (shapes, groups)")


def _read_shape(item: Item, origin: Origin) -> Shape:
    match item:
        case (int(kind), 0 | 1 as utc_known, tuple(skeleton)) if 0 <= kind < len(Kind):
            if Kind(kind).log is not origin.log:
                raise Malformed(f"batch: {Kind(kind).name} does not belong to log {origin}")
            _check_signs(skeleton)
            integers, items = _measure(skeleton)
            if integers > MAX_COLUMNS:
                raise Malformed(f"batch: more than {MAX_COLUMNS} integers in a leaf")
            columns = 1 + utc_known + integers
            flat = all(item == _INTEGER for item in skeleton)
            return Shape(Kind(kind), bool(utc_known), skeleton, columns, items, flat)
        case _:
            raise Malformed("batch header: a shape is not [kind, utc known, skeleton]")


def _measure(skeleton: Body) -> tuple[int, int]:
    """Return how many integers, and how many items of any kind, a body of this skeleton holds."""
    integers, items = 0, len(skeleton) + 1
    for item in skeleton:
        if isinstance(item, tuple):
            inner = _measure(item)
            integers += inner[0]
            items += inner[1]
        elif item == _INTEGER:
            integers += 1
    return integers, items


def _check_signs(skeleton: Body) -> None:
    for item in skeleton:
        if isinstance(item, tuple):
            _check_signs(item)
        elif isinstance(item, int) and item not in (_INTEGER, _SUBJECT, _REFERENCE):
            raise Malformed(f"batch header: unknown sign {item} in a skeleton")


def _members(shapes: int, groups: Iterable[Group]) -> list[list[int]]:
    """Return, for each shape, the groups of it in their order."""
    members: list[list[int]] = [[] for _ in range(shapes)]
    for at, group in enumerate(groups):
        members[group.shape].append(at)
    return members


def _read_group(item: Item, shapes: int) -> Group:
    match item:
        case (int(shape), str(subject), bytes(reference), int(boot), int(clock), int(quality)) if (
            0 <= shape < shapes and len(reference) == HASH_BYTES
        ):
            return Group(shape, subject, reference, boot, clock, quality)
        case _:
            raise Malformed("batch header: a group is not of its form")


def _order_codes(order: Sequence[int]) -> Iterator[int]:
    followed: dict[int, int] = {}
    last = -1
    for at in order:
        yield 0 if followed.get(last) == at else at + 1
        followed[last] = last = at


def _read_order(codes: Sequence[int], groups: int) -> list[int]:
    followed: dict[int, int] = {}
    order: list[int] = []
    last = -1
    for code in codes:
        at = code - 1 if code else followed.get(last, -1)
        if not 0 <= at < groups:
            raise Malformed("batch: an unknown group in the order of leaves")
        order.append(at)
        followed[last] = last = at
    return order
