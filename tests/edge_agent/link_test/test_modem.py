"""What ModemManager's command tells."""

import json

import pytest

from edge_agent.link_test.modem import parse_modem, read_modem

ANSWER = {
    "modem": {
        "3gpp": {"operator-name": "CHN-UNICOM", "imei": "1"},
        "generic": {
            "access-technologies": ["lte"],
            "signal-quality": {"recent": "yes", "value": "61"},
            "state": "connected",
            "state-failed-reason": "--",
        },
    }
}


def test_a_modem() -> None:
    """State, signal, technology, operator."""
    assert parse_modem(json.dumps(ANSWER).encode()) == ("connected", 61, "lte", "CHN-UNICOM", "")


@pytest.mark.parametrize("answer", [b"", b"[]", b'{"modem": 1}', b'{"modem": {"generic": []}}'])
def test_no_modem(answer) -> None:
    """What is no such answer is no modem."""
    assert parse_modem(answer) is None


def test_the_command_is_asked(tmp_path) -> None:
    """A program of that name answers; one that fails, or is not there, tells nothing."""
    script = tmp_path / "mmcli"
    script.write_text(f"#!/bin/sh\necho '{json.dumps(ANSWER)}'\n")
    script.chmod(0o755)
    found = read_modem(str(script))
    assert found is not None
    assert found.signal_percent == 61
    script.write_text("#!/bin/sh\nexit 1\n")
    assert read_modem(str(script)) is None
    assert read_modem(str(tmp_path / "none")) is None
