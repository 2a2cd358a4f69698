"""Signed notes, checkpoints, cosignatures: vectors of Go's sumdb and of a real log, then ours."""

import base64
import re

import pytest

from protocols.evidence.errors import BadSignature, EvidenceError, Malformed
from protocols.evidence.note import (
    MAX_TIME_S,
    Checkpoint,
    KeyType,
    Signer,
    Verifier,
    checkpoint_text,
    cosign,
    open_checkpoint,
    open_cosignature,
    open_note,
    pick_verifier,
    sign_checkpoint,
    sign_note,
    unverified_checkpoint,
)
from tests.protocols.evidence.samples import CENTRAL, GATEWAY, STRANGER, TELEMETRY

# golang.org/x/mod, sumdb/note/note_test.go: key, text, signature.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
PETER_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdng"
    "otpRZb6KE6RyyBwJnAM=\n"
)
ENOCH_LINE = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWL"
    "ox33WWd1RvMc+QQ=\n"
)
NOTE = (TEXT + "\n" + PETER_LINE).encode()

# A checkpoint of the staging log arche2025h1 of 2026, signed by the log as a note (type 1) and
# cosigned by two public witnesses (type 4); the keys are those that their operators publish.
ARCHE_TEXT = (
    "arche2025h1.staging.ct.transparency.dev\n1432088532\n"
    "U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=\n"
)
ARCHE_LINE = (
    "— arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3N"
    "ygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=\n"
)
ARCHE = (
    "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f"
)
REMORA = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"
REMORA_LINE = (
    "— remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIob"
    "WX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==\n"
)
STAGEMOLE = "witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv"
STAGEMOLE_LINE = (
    "— witness.stagemole.eu Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr"
    "+AJmIY/2TUFucgKi7lI7cUiOvKFYe/TmN9DAg==\n"
)
ARCHE_NOTE = (ARCHE_TEXT + "\n" + ARCHE_LINE).encode()

CHECKPOINT = Checkpoint(TELEMETRY, 1234, bytes(range(32)))
SIGNED = sign_checkpoint(CHECKPOINT, GATEWAY)


def test_go_vector_is_signed_byte_for_byte() -> None:
    """The published key signs the published text with the published bytes."""
    signer = Signer.from_private_bytes("PeterNeumann", PETER_SEED)
    assert signer.vkey == PETER
    assert sign_note(TEXT.encode(), signer) == NOTE


def test_go_vectors_open() -> None:
    """Both published notes verify with their published keys."""
    assert open_note(NOTE, Verifier.from_vkey(PETER)) == TEXT.encode()
    enoch = (TEXT + "\n" + ENOCH_LINE).encode()
    assert open_note(enoch, Verifier.from_vkey(ENOCH)) == TEXT.encode()


def test_go_manglings_of_a_key_are_refused() -> None:
    """No part of a verifier key and no changed byte of it is a verifier key."""
    for start in range(len(PETER)):
        for end in range(start, len(PETER) + 1):
            if (start, end) != (0, len(PETER)):
                with pytest.raises(Malformed):
                    Verifier.from_vkey(PETER[start:end])
    for at in range(len(PETER)):
        with pytest.raises(Malformed):
            Verifier.from_vkey(PETER[:at] + chr(ord(PETER[at]) + 1) + PETER[at + 1 :])


@pytest.mark.parametrize(
    "vkey",
    [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        PETER.replace("c74f20a3", "C74F20A3"),
        PETER + "\n",
        PETER + "=",
        " " + PETER,
    ],
)
def test_other_keys_are_refused(vkey: str) -> None:
    """Wrong length, unknown algorithm (Go's cases), upper case and trailing bytes are refused."""
    with pytest.raises(Malformed):
        Verifier.from_vkey(vkey)


def test_go_bad_notes_are_refused() -> None:
    """Go's malformed notes, and the note with two signatures that Go would take, are refused."""
    verifier = Verifier.from_vkey(PETER)
    bad_name = PETER_LINE.replace("PeterNeumann", "Bad Name")
    for note in (
        TEXT, TEXT + "\n", TEXT + "\n" + PETER_LINE[:-1], "\x01" + TEXT + "\n" + PETER_LINE,
        TEXT + "\n" + bad_name, TEXT + "\n" + PETER_LINE + "Unexpected line.\n",
        TEXT + "\n" + PETER_LINE[:60] + "ABCD" + PETER_LINE[60:], TEXT + "\n" + PETER_LINE * 101,
        TEXT + "\n" + PETER_LINE + ENOCH_LINE, TEXT + PETER_LINE, PETER_LINE, "",
    ):  # fmt: skip
        with pytest.raises(Malformed):
            open_note(note.encode(), verifier)
    with pytest.raises(Malformed):
        open_note(b"\xff" + NOTE, verifier)


@pytest.mark.parametrize(("old", "new"), [("PeterNeumann", "CarmenSandiego"), ("x08g", "xxxx")])
def test_a_note_of_another_key_is_refused(old: str, new: str) -> None:
    """A signature line that names another key, by name or id, is not verified but refused."""
    note = (TEXT + "\n" + PETER_LINE.replace(old, new)).encode()
    with pytest.raises(BadSignature, match="another key"):
        open_note(note, Verifier.from_vkey(PETER))


def test_a_real_logs_checkpoint_verifies() -> None:
    """A checkpoint published by a real log opens with its published key."""
    assert open_note(ARCHE_NOTE, Verifier.from_vkey(ARCHE)) == ARCHE_TEXT.encode()


@pytest.mark.parametrize(("vkey", "line"), [(REMORA, REMORA_LINE), (STAGEMOLE, STAGEMOLE_LINE)])
def test_real_witnesses_cosignatures_verify(vkey: str, line: str) -> None:
    """Cosignatures by two public witnesses verify, and carry their time (May 2026)."""
    verifier = Verifier.from_vkey(vkey)
    assert verifier.vkey == vkey
    assert open_cosignature(ARCHE_NOTE, line.encode(), verifier) == 1_779_573_024
    with pytest.raises(BadSignature):
        open_cosignature(ARCHE_NOTE.replace(b"1432088532", b"1432088533"), line.encode(), verifier)


def test_cosigned_message_is_that_of_the_specification() -> None:
    """A cosignature signs the header line, the time line and the note text."""
    line = cosign(SIGNED, CENTRAL, 1_679_315_147)
    message = b"cosignature/v1\ntime 1679315147\n" + checkpoint_text(CHECKPOINT)
    data = base64.b64decode(line.decode().split(" ")[2])
    assert data[:4] == CENTRAL.verifier.key_id
    assert int.from_bytes(data[4:12], "big") == 1_679_315_147
    CENTRAL.verifier.verify(message, data[12:])


def test_checkpoint_round_trip() -> None:
    """A signed checkpoint opens to what was signed, and only with its own key."""
    assert open_checkpoint(SIGNED, Verifier.from_vkey(GATEWAY.vkey)) == CHECKPOINT
    assert unverified_checkpoint(SIGNED) == CHECKPOINT
    with pytest.raises(BadSignature):
        open_checkpoint(SIGNED, STRANGER.verifier)


@pytest.mark.parametrize(
    "text",
    [
        b"{o}\n1234\n{r}\nextension\n", b"{o}\n1234\n", b"{o}\n01234\n{r}\n", b"{o}\n+1\n{r}\n",
        b"{o}\n 1234\n{r}\n", b"{o}\n1234\n{r}=\n", b"{o}\n1234\nAAAA\n",
        b"{o}\n281474976710657\n{r}\n",
        b"{o}/\n1234\n{r}\n", b"other/gw-1/telemetry/0\n1234\n{r}\n", b"\n{o}\n1234\n{r}\n",
        b"{o}\n1234\n{s}\n", b"{o}\n1234\n{r}", b"{o}\r\n1234\n{r}\n", b"{o}\n\xd9\xa1\n{r}\n",
    ],
)  # fmt: skip
def test_other_checkpoints_are_refused_even_if_signed(text: bytes) -> None:
    """Extension lines, other numbers, base64 or roots are Malformed under a good signature."""
    origin, _, root = checkpoint_text(CHECKPOINT).split(b"\n")[:3]
    loose = root[:-2] + b"9="  # decodes to the same 32 bytes, but has another spelling
    text = text.replace(b"{o}", origin).replace(b"{r}", root).replace(b"{s}", loose)
    with pytest.raises(Malformed):
        open_checkpoint(sign_note(text, GATEWAY), GATEWAY.verifier)


def test_key_types_are_not_mixed() -> None:
    """A note key makes and checks no cosignature, a cosignature key no note."""
    line = cosign(SIGNED, CENTRAL, 1)
    as_note = Verifier(
        CENTRAL.name, base64.b64decode(CENTRAL.vkey.split("+", 2)[2])[1:], KeyType.NOTE
    )
    for wrong in (
        lambda: sign_note(b"text\n", CENTRAL),
        lambda: cosign(SIGNED, GATEWAY, 1),
        lambda: open_checkpoint(SIGNED, CENTRAL.verifier),
        lambda: open_cosignature(SIGNED, line, as_note),
    ):
        with pytest.raises(BadSignature):
            wrong()


def test_time_of_a_cosignature_is_bounded() -> None:
    """Times are 0 to 2^63 - 1 seconds, when written and when read."""
    assert open_cosignature(SIGNED, cosign(SIGNED, CENTRAL, MAX_TIME_S), CENTRAL.verifier)
    for time_s in (-1, MAX_TIME_S + 1):
        with pytest.raises(Malformed):
            cosign(SIGNED, CENTRAL, time_s)
    data = base64.b64encode(CENTRAL.verifier.key_id + b"\x80" + bytes(7 + 64)).decode()
    with pytest.raises(Malformed):
        open_cosignature(SIGNED, f"— central {data}\n".encode(), CENTRAL.verifier)


def test_notes_and_lines_have_a_bound() -> None:
    """Oversized notes and signature lines are refused before they are looked into."""
    with pytest.raises(Malformed, match="at most"):
        open_checkpoint(b"x" * 1025, GATEWAY.verifier)
    with pytest.raises(Malformed, match="too long"):
        open_cosignature(SIGNED, b"x" * 1025, CENTRAL.verifier)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "\u00e4", "x" * 129])
def test_names_of_keys_are_plain(name: str) -> None:
    """A key's name is printable ASCII without space and plus."""
    with pytest.raises(Malformed):
        Signer.from_private_bytes(name, bytes(32))


@pytest.mark.parametrize("size", [0, 31, 33])
def test_keys_have_their_length(size: int) -> None:
    """A private or public key of another length is Malformed."""
    with pytest.raises(Malformed):
        Signer.from_private_bytes("gw-1", bytes(size))
    with pytest.raises(Malformed):
        Verifier("gw-1", bytes(size), KeyType.NOTE)


def test_any_flipped_bit_of_a_checkpoint_or_receipt_is_refused() -> None:
    """Every one-bit change of a signed checkpoint and of a cosignature line is an error."""
    receipt = cosign(SIGNED, CENTRAL, 1_790_000_000)
    for bit in range(8 * len(SIGNED)):
        with pytest.raises(EvidenceError):
            open_checkpoint(_flip(SIGNED, bit), GATEWAY.verifier)
    for bit in range(8 * len(receipt)):
        with pytest.raises(EvidenceError):
            open_cosignature(SIGNED, _flip(receipt, bit), CENTRAL.verifier)


def test_any_cut_or_added_byte_is_refused() -> None:
    """A checkpoint or receipt that is cut, or has a byte more anywhere, is an error."""
    receipt = cosign(SIGNED, CENTRAL, 1_790_000_000)
    for at in range(len(SIGNED)):
        for damaged in (SIGNED[:at], SIGNED[:at] + b"\n" + SIGNED[at:], SIGNED[at + 1 :]):
            with pytest.raises(EvidenceError):
                open_checkpoint(damaged, GATEWAY.verifier)
    for at in range(len(receipt)):
        for damaged in (receipt[:at], receipt[:at] + b" " + receipt[at:], receipt[at + 1 :]):
            with pytest.raises(EvidenceError):
                open_cosignature(SIGNED, damaged, CENTRAL.verifier)


def test_errors_name_the_key() -> None:
    """A note of another key says which key was expected."""
    with pytest.raises(BadSignature, match=re.escape("gw-1+")):
        open_checkpoint(SIGNED, STRANGER.verifier)


def _flip(data: bytes, bit: int) -> bytes:
    flipped = bytearray(data)
    flipped[bit // 8] ^= 1 << bit % 8
    return bytes(flipped)


def test_a_line_names_its_key_among_many():
    """By name and key id; another name, another key, or no line at all is told."""
    other = Signer.from_private_bytes("central", b"z" * 32, KeyType.COSIGNATURE)
    keys = (other.verifier, CENTRAL.verifier)
    line = cosign(sign_checkpoint(Checkpoint(TELEMETRY, 1, bytes(32)), GATEWAY), CENTRAL, 5)
    assert pick_verifier(line, keys) is CENTRAL.verifier
    with pytest.raises(BadSignature, match="another key than central"):
        pick_verifier(line, (other.verifier,))
    with pytest.raises(BadSignature):
        pick_verifier(line.replace("— central ".encode(), "— centra1 ".encode()), keys)
    with pytest.raises(Malformed):
        pick_verifier(line[:-1], keys)
