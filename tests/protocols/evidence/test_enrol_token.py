"""Tokens: golden text, and what a slip of the pen makes of it is refused."""

import pytest

from protocols.evidence.enrol_token import Token, ca_pin, receipt_pin, secret_hash
from protocols.evidence.errors import Malformed

TOKEN = Token("gw-1.site", b"s" * 16, b"c" * 32, b"r" * 32)

# Made once by to_text. Whoever changes it changes the contract.
GOLDEN = (
    "gas-enrol-1:gw-1.site:c3Nzc3Nzc3Nzc3Nzc3Nzcw:"
    "Y2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2M:"
    "cnJycnJycnJycnJycnJycnJycnJycnJycnJycnJycnI:58a493cb"
)


def test_golden_text():
    """The text is the one that was agreed, and is read as what it was made of."""
    assert TOKEN.to_text() == GOLDEN
    assert Token.from_text(GOLDEN) == TOKEN


def test_every_changed_character_is_told():
    """One character wrong, missing or doubled is no token, whichever it is."""
    for at, character in enumerate(GOLDEN):
        for other in ("", character * 2, "A" if character != "A" else "B"):
            with pytest.raises(Malformed, match="token"):
                Token.from_text(GOLDEN[:at] + other + GOLDEN[at + 1 :])


@pytest.mark.parametrize(
    "text", ["", "gas-enrol-1:", "gas-enrol-2" + GOLDEN[11:], GOLDEN * 3, "\u6c14"]
)
def test_what_is_no_token_is_told(text):
    """Another text, another version, too much."""
    with pytest.raises(Malformed, match="token"):
        Token.from_text(text)


def test_what_central_keeps_of_a_token_is_not_the_token():
    """The secret is kept hashed; the three hashes are of different things."""
    assert TOKEN.secret_sha256() == secret_hash(TOKEN.secret)
    assert (
        len({secret_hash(b"x"), ca_pin(b"x"), receipt_pin("x")}) == 2
    )  # the pins are plain SHA-256
