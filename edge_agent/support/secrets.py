"""What may not leave the gateway, found in whatever form it has, and taken out. Pure.

Two nets, one behind the other. What is known (keys, salts, the proxy's password) is searched for
as it is, in hexadecimal and in both alphabets of base64, at any offset. What looks like a secret by
its name (`password = ...`, `Authorization: Bearer ...`, a URL with a login, a private PEM block)
goes whoever wrote it.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final
from urllib.parse import quote, unquote

REMOVED: Final = "[removed]"
LEAST_BYTES: Final = 6
"""Shorter than that nothing is searched for: it would be found by chance everywhere."""
MAX_SECRETS: Final = 256
_NAMES: Final = (
    r"pass(?:word|wd|phrase|code)?|pwd|secret|token|salt|credentials?|cookie|psk|pin|community"
    r"|(?:api|private|access|auth)[_-]?key|密码|口令|密钥|私钥|令牌"
)
# bounded at each place, or a long line would take minutes: no name is looked for backwards
_NAMED: Final = re.compile(
    rf"""(?ix) ( (?:{_NAMES}) (["']?) \s{{0,4}} [=:：] \s{{0,4}} )
    (?! [\[{{] | (?:null|true|false)\b ) ( "[^"\n]*" | '[^'\n]*' | [^\s,;}}\])]+ )"""
)
_BEARER: Final = re.compile(
    r"(?i)((?:\b(?:bearer|basic|digest)|authorization:\s{0,4}\w{1,20})\s+)[A-Za-z0-9._~+/=-]{6,}"
)
_OPTION: Final = re.compile(rf"(?i)(--[a-z-]{{0,20}}(?:{_NAMES})\s{{1,4}})[^\s-]\S*")
_SPOKEN: Final = re.compile(
    r"(?i)((?:pass(?:word|wd|phrase|code)|密码|口令)\s{0,4}(?:is|was|是|为)?\s{0,4})"
    r"(?=[^\s\d]{0,64}\d)[^\s\"',;:=]{4,64}"
)
"""What somebody says in words, `the password is hunter22`: with a figure in it."""
_LOGIN: Final = re.compile(r"(?<=://)[^\s\"@]{1,128}@(?:[^\s\"@/]{1,128}@)*")
_PEM: Final = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----.*?"
    r"(?:-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----|\Z)",
    re.DOTALL,
)
_SHAPE: Final = re.compile(
    r"gas-enrol-1:[^\s\"']{20,256}|AGE-SECRET-KEY-1[0-9A-Z]{20,}|\bgh[a-z]_[A-Za-z0-9]{20,}"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*|(?<=\nPrivate-Lines: )[0-9]+\n[A-Za-z0-9+/=\r\n]+"
)
"""Our own token of an enrolment, keys of age, tokens of GitHub, JWT, PuTTY's keys."""
_KEY_NAME: Final = re.compile(rf"(?i)(?:{_NAMES})")
_WORD: Final = re.compile(r"[A-Za-z0-9+/_=-]{12,}")
_OWN: Final = "gas-gateway "  # keys/key_files.py
_MAX_FIELDS: Final = 4


def secret_words(file: bytes) -> Iterator[bytes]:
    """What of a secret file is secret: each of its long words, and what they decode to; of a PEM
    file its private blocks alone, because a certificate is public.
    """
    text = file.decode("utf-8", "replace")
    if "-----BEGIN" in text:
        for block in _PEM.findall(text):
            lines = [line for line in block.splitlines() if line and not line.startswith("-----")]
            yield from (line.encode() for line in lines)
            yield from _decoded("".join(lines))
        return
    if text.startswith(_OWN):  # a key file: its kind and the gateway's name are no secret
        text = "\n".join(text.splitlines()[2:])
    if len(text) >= LEAST_BYTES:
        yield text.strip().encode()
    for word in _words(text):
        yield word.encode()
        yield from _decoded(word)


def _words(text: str) -> Iterator[str]:
    """Also what follows a plus: it separates the fields of a key file, and is a sign of base64."""
    for word in text.split():
        for fields in range(_MAX_FIELDS):
            rest = word.split("+", fields)[-1]
            yield from _WORD.findall(rest)


def logins_of(text: str) -> Iterator[bytes]:
    """Users' passwords in URLs: as they stand there, and as they are meant."""
    for login in _LOGIN.findall(text):
        _user, _colon, password = login.removesuffix("@").partition(":")
        if password:
            yield password.encode()
            yield unquote(password).encode()


class Secrets:
    """Those that are known, in all their forms."""

    def __init__(self, known: Iterable[bytes]) -> None:
        """The first MAX_SECRETS of them."""
        wanted = list(dict.fromkeys(one for one in known if len(one) >= LEAST_BYTES))[:MAX_SECRETS]
        # the longest first; each by itself: a pattern of thousands takes forty times as long
        self._forms = sorted({f for one in wanted for f in _forms(one)}, key=len, reverse=True)

    def scrubbed(self, data: bytes) -> bytes:
        """Without any of them, and without what looks like one."""
        for form in self._forms:
            data = data.replace(form, REMOVED.encode())
        text = data.decode("utf-8", "replace")
        text = _PEM.sub(REMOVED, text)
        text = _LOGIN.sub(f"{REMOVED}@", text)
        text = _SHAPE.sub(REMOVED, text)
        for pattern in (_BEARER, _OPTION, _SPOKEN):
            text = pattern.sub(rf"\1{REMOVED}", text)
        return _NAMED.sub(_without_value, text).encode()


def redacted(value: Any, *, in_secret: bool = False) -> Any:
    """A parsed configuration, or any JSON, without values whose name says that they are secret, and
    without the texts of a table with such a name.
    """
    if isinstance(value, dict):
        told = {}
        for key, one in value.items():
            is_named = _KEY_NAME.search(str(key)) is not None
            is_table = isinstance(one, dict)
            told[key] = (
                REMOVED
                if is_named and not is_table and _is_secret(one)
                else redacted(one, in_secret=in_secret or (is_named and is_table))
            )
        return told
    if isinstance(value, list | tuple):
        return [redacted(one, in_secret=in_secret) for one in value]
    if isinstance(value, str):
        if in_secret:
            return REMOVED
        return _LOGIN.sub(f"{REMOVED}@", value)
    return value


def _is_secret(value: object) -> bool:
    """A name such as `pin` may be that of a table or a flag, too."""
    if isinstance(value, list | tuple):
        return any(_is_secret(one) for one in value)
    return isinstance(value, str | int) and not isinstance(value, bool)


def _without_value(found: re.Match[str]) -> str:
    name, closing, value = found[1], found[2], found[3]
    mark = value[0] if value[0] in "\"'" else closing  # JSON stays JSON
    return f"{name}{mark}{REMOVED}{mark}"


def _decoded(word: str) -> Iterator[bytes]:
    for altchars in (None, b"-_"):
        try:
            made = base64.b64decode(word + "=" * (-len(word) % 4), altchars, validate=True)
        except (binascii.Error, ValueError):
            continue
        if len(made) >= LEAST_BYTES:
            yield made


def _forms(secret: bytes) -> Iterator[bytes]:
    yield secret
    yield secret.hex().encode()
    yield secret.hex().upper().encode()
    yield quote(secret, safe="").encode()
    yield repr(secret)[2:-1].encode()  # as Python logs bytes
    if len(secret) < 9:
        return
    for lead in range(3):  # where it begins within a group of three
        middle = base64.b64encode(bytes(lead) + secret)
        first = -(-4 * lead // 3) if lead else 0
        last = len(middle.rstrip(b"=")) - (1 if (lead + len(secret)) % 3 else 0)
        inner = middle[first:last]
        yield inner
        yield inner.translate(bytes.maketrans(b"+/", b"-_"))
