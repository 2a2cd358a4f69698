"""Tree heads with several signature lines: the specification's example, then strictness."""

import base64

import pytest

from protocols.evidence.errors import BadSignature, Malformed
from protocols.evidence.tree_head import (
    MAX_SIGNED_BYTES,
    TreeHead,
    read_line,
    read_signature,
    read_tree_head,
    signature_line,
    split_signed,
    tree_head_text,
)

ROOT = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
TEXT = f"example.com/behind-the-sofa\n20852163\n{ROOT}\n".encode()
HEAD = TreeHead("example.com/behind-the-sofa", 20852163, base64.b64decode(ROOT))
LINE = signature_line("example.com/behind-the-sofa", b"\x03=\xe0\x96", b"s" * 64)


def test_the_specifications_example_is_read_and_written() -> None:
    """The published text and its head are each other's inverse."""
    assert read_tree_head(TEXT) == HEAD
    assert tree_head_text(HEAD) == TEXT


@pytest.mark.parametrize(
    "text",
    [
        TEXT[:-1],
        TEXT + b"extension\n",
        TEXT.replace(b"20852163", b"020852163"),
        TEXT.replace(b"20852163", b"+20852163"),
        TEXT.replace(b"q2I=", b"q2J="),
        TEXT.replace(b"q2I=", b""),
        TEXT.replace(b"example.com", b"example com"),
        TEXT.replace(b"example.com", "exämple.com".encode()),
        TEXT.replace(b"20852163", b"281474976710657"),
        b"o" * 256 + TEXT[TEXT.index(b"\n") :],
    ],
)
def test_another_spelling_is_refused(text: bytes) -> None:
    """Extension lines, other numbers, other base64 and other origins are Malformed."""
    with pytest.raises(Malformed):
        read_tree_head(text)


def test_a_note_has_just_the_lines_that_are_asked_for() -> None:
    """The text ends at the last empty line; one line more or less is Malformed."""
    note = TEXT + b"\n" + LINE + LINE
    assert split_signed(note, 2) == (TEXT, (LINE, LINE))
    for count in (1, 3):
        with pytest.raises(Malformed):
            split_signed(note, count)
    for wrong in (note[:-1], TEXT + LINE, note.replace(b"sofa", b"so\ta"), note * 40):
        with pytest.raises(Malformed):
            split_signed(wrong, 2)
    assert len(note * 40) > MAX_SIGNED_BYTES


def test_a_signature_line_names_its_key_and_has_its_bytes() -> None:
    """Another name or id is another key; another form is Malformed."""
    name, key_id = "example.com/behind-the-sofa", b"\x03=\xe0\x96"
    assert read_signature(LINE, name, key_id, 64) == b"s" * 64
    assert read_line(LINE) == (name, key_id, b"s" * 64)
    with pytest.raises(BadSignature):
        read_signature(LINE, name, b"\x03=\xe0\x97", 64)
    with pytest.raises(BadSignature):
        read_signature(LINE, "example.com", key_id, 64)
    with pytest.raises(Malformed):
        read_signature(LINE, name, key_id, 63)
    for wrong in (
        LINE[:-1],
        LINE.replace("—".encode(), b"-"),
        b"\xff" + LINE,
        signature_line(name, b"abc", b""),
        LINE + b" " * MAX_SIGNED_BYTES,
    ):
        with pytest.raises(Malformed):
            read_line(wrong)
