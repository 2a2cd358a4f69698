"""Secrets in every form in which a file may hold them."""

from __future__ import annotations

import base64
import hashlib
import os
from time import process_time
from urllib.parse import quote

import pytest

from edge_agent.support.secrets import (
    MAX_SECRETS,
    REMOVED,
    Secrets,
    logins_of,
    redacted,
    secret_words,
)

KEY = bytes(range(7, 39))
SALT = hashlib.sha256(b"salt").digest()[:16]
TOKEN = b"egt1-4Zk7Qw9xT2"


@pytest.mark.parametrize("secret", [KEY, TOKEN, SALT, b"Gas2026!"], ids=str)
@pytest.mark.parametrize(
    "form",
    [
        bytes,
        lambda s: s.hex().encode(),
        lambda s: s.hex().upper().encode(),
        lambda s: repr(s).encode(),
        lambda s: quote(s, safe="").encode(),
    ],
)
def test_a_known_secret_is_found_in_its_forms(secret, form) -> None:  # type: ignore[no-untyped-def]
    """Raw, hexadecimal, as Python shows bytes, as a URL has it; what stands around it stays."""
    told = Secrets([secret]).scrubbed(b"before " + form(secret) + b" after")
    assert REMOVED.encode() in told
    assert form(secret) not in told
    assert told.startswith(b"before ")
    assert told.endswith(b" after")


@pytest.mark.parametrize("around", range(12))
@pytest.mark.parametrize("alphabet", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("secret", [KEY, TOKEN, bytes(range(240, 256)) + b"\xfb\xff"], ids=str)
def test_base64_hides_nothing_at_any_offset(secret, alphabet, around) -> None:  # type: ignore[no-untyped-def]
    """Whatever stands before and behind it in the same text: what is left decodes to no part of
    it that is longer than its ends."""
    packed = alphabet(bytes(around) + secret + bytes(around % 5))
    told = Secrets([secret]).scrubbed(packed)
    assert REMOVED.encode() in told
    left = told.replace(REMOVED.encode(), b"\n").split()
    for piece in left:
        whole = piece[: len(piece) // 4 * 4]
        assert secret[2:-2] not in base64.b64decode(whole, b"-_" if b"-" in packed else None)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("password = 'hunter22'", "password = '[removed]'"),
        ('{"api_key": "k-123", "x": 1}', '{"api_key": "[removed]", "x": 1}'),
        ("login token=abc123, next", "login token=[removed], next"),
        ("proxy http://li:pw@h:3128 failed", "proxy http://[removed]@h:3128 failed"),
        ('{"pin": 1234, "secret": null}', '{"pin": "[removed]", "secret": null}'),
        ('{"tokens": [1], "token": {"a": 1}}', '{"tokens": [1], "token": {"a": 1}}'),
        ("Authorization: Bearer abc.def-123", "Authorization: Bearer [removed]"),
        ("a -----BEGIN PRIVATE KEY-----\nAAA\n-----END PRIVATE KEY----- b", "a [removed] b"),
        ("x -----BEGIN EC PRIVATE KEY-----\ncut off", "x [removed]"),
        ("SIM_PIN: 1234", "SIM_PIN: [removed]"),
        ("proxy http://li:p@ss@h:3128 failed", "proxy http://[removed]@h:3128 failed"),
        ("proxy http://li:p/s's@h:3128 failed", "proxy http://[removed]@h:3128 failed"),
        ("enroll --token ABC12345 --serial 7", "enroll --token [removed] --serial 7"),
        ("gas-enrol-1:gw-1:QUJDREVGR0hJSktMTU5P:x:y:0a1b2c3d", "[removed]"),
        ("the password is hunter22, try", "the password is [removed], try"),
        ("the password is needed", "the password is needed"),
        ("密码是hunter22", "密码是[removed]"),
        ("口令：开门大吉", "口令：[removed]"),
        ("pwd=hunter22 passcode: 1234", "pwd=[removed] passcode: [removed]"),
        ("snmp community = 'hunter22'", "snmp community = '[removed]'"),
        ("Cookie: session=abcdef12", "Cookie: [removed]"),
        ("Authorization: Token abcdef12", "Authorization: Token [removed]"),
        ("AWS_SECRET_ACCESS_KEY=wJalrXUtn", "AWS_SECRET_ACCESS_KEY=[removed]"),
        ("AGE-SECRET-KEY-1QQPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZ", "[removed]"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----", REMOVED),
        (
            "-----BEGIN PGP PRIVATE KEY BLOCK-----\nlQOY\n-----END PGP PRIVATE KEY BLOCK-----",
            REMOVED,
        ),
        ("x\nPrivate-Lines: 1\nAAAAIJ55\n[end]", "x\nPrivate-Lines: [removed][end]"),
        ("ghp_abcdef0123456789abcdef0123", "[removed]"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3", "[removed]"),
        ("pressure = 4.07 bar, spinning = 3", "pressure = 4.07 bar, spinning = 3"),
    ],
)  # fmt: skip
def test_what_looks_like_a_secret_goes(text: str, told: str) -> None:
    """By its name or its form, though nobody knew it."""
    assert Secrets([]).scrubbed(text.encode()).decode() == told


def test_a_key_file_gives_its_words_and_what_they_decode_to() -> None:
    """As the keys of this program are stored; the kind and the gateway's name are no secret."""
    for key in (KEY, b"\xfb\xef\xbe" * 11):  # the latter is "++++" in base64
        packed = base64.b64encode(b"\x01" + key)
        for file in (
            b"log-key+a-long-gateway-name+" + packed + b"\n",
            b"gas-gateway log-key v1\na-long-gateway-name\n" + packed + b"\n",
        ):
            found = set(secret_words(file))
            assert {b"\x01" + key, packed} <= found
    assert b"a-long-gateway-name" not in found


def test_of_pem_only_private_blocks_are_secret() -> None:
    """A certificate is shown to everybody."""
    body = base64.b64encode(os.urandom(96)).decode()
    pem = (
        f"-----BEGIN CERTIFICATE-----\n{'A' * 64}\n-----END CERTIFICATE-----\n"
        f"-----BEGIN PRIVATE KEY-----\n{body[:64]}\n{body[64:]}\n-----END PRIVATE KEY-----\n"
    )
    found = set(secret_words(pem.encode()))
    assert base64.b64decode(body) in found
    assert body[:64].encode() in found
    assert b"A" * 64 not in found


def test_a_configuration_loses_values_by_their_names() -> None:
    """Of any depth; tables and flags of such a name stay, numbers go."""
    table = {
        "central": {"proxy": "http://li:pw@h:1", "url": "https://h"},
        "device": [{"password": "1234", "unit": 1}],
        "pin": 1234,
        "passwords": ["a1", ["b2"]],
        "tokens": {"count": 2, "of": {"li": ["a1"]}},
        "secret": True,
    }
    assert redacted(table) == {
        "central": {"proxy": "http://[removed]@h:1", "url": "https://h"},
        "device": [{"password": REMOVED, "unit": 1}],
        "pin": REMOVED,
        "passwords": REMOVED,
        "tokens": {"count": 2, "of": {"li": [REMOVED]}},
        "secret": True,
    }


def test_a_login_is_known_as_written_and_as_meant() -> None:
    """A password with percent signs is another one in the log."""
    assert set(logins_of('proxy = "http://li:p%40ssw0rd@h:1"')) == {b"p%40ssw0rd", b"p@ssw0rd"}


def test_short_words_are_not_searched_for() -> None:
    """They would be found everywhere."""
    assert Secrets([b"1", b"gas"]).scrubbed(b"gas 1") == b"gas 1"


@pytest.mark.parametrize(
    "filler",
    [b"a", b"A1+/", b"pin", b"://", b"'", b"-----BEGIN ", b"x=1 ", b"--token ", b"password ",
     b"eyJabcdefgh.", b"\nPrivate-Lines: 1\n", b"://a@", b"authorization: "],
)  # fmt: skip
def test_a_hostile_line_takes_no_time(filler: bytes) -> None:
    """600 kB in one line; a search that looks back from each place would take minutes."""
    data = (filler * 600_000)[:600_000]
    begun_s = process_time()
    Secrets([KEY, TOKEN]).scrubbed(data)
    assert process_time() - begun_s < 5.0


def test_many_keys_take_no_time() -> None:
    """As many as are searched for, in the longest part: the agent makes bundles itself."""
    data = os.urandom(300_000).hex().encode()
    secrets = Secrets([os.urandom(32) for _ in range(MAX_SECRETS)])
    begun_s = process_time()
    secrets.scrubbed(data)
    assert process_time() - begun_s < 5.0
