"""What the running agent answers of its configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.config_store.start import begin
from edge_agent.control.protocol import BadRequest, Call
from edge_agent.remote.routes import by_own_word, config_routes
from tests.edge_agent.gateway import TOML, write_ca

SAID = {"who": "Li Wei", "reason": "test"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_ca(tmp_path)
    path = tmp_path / "gateway.toml"
    path.write_text(TOML.replace("[central]", '[central]\nproxy = "http://a:secret@b:1"'))
    begin(path, {})
    return path


def test_what_acts_is_on_the_socket_for_acting(path: Path) -> None:
    """What looks is on the other."""
    acts = {name: route.acts for name, route in config_routes(path).items()}
    assert acts == {
        "config-versions": False,
        "config-text": False,
        "config-offer": False,
        "config-apply": True,
        "config-rollback": True,
        "config-accept": True,
    }


def test_who_is_a_claim_with_the_kernels_word(path: Path) -> None:
    """In the version, and so in the log."""
    routes = config_routes(path)
    new = path.read_text().replace("= 300", "= 60", 1)
    told = routes["config-apply"].answer(Call("config-apply", {"toml": new, **SAID}), "uid 1000")
    assert told["ok"], told
    versions = routes["config-versions"].answer(Call("config-versions"), "uid 7")["versions"]
    assert isinstance(versions, list)
    assert versions[-1]["who"] == "Li Wei (own word; uid 1000)"
    assert len(by_own_word("x" * 200, "uid 1000")) == 200
    assert by_own_word(" ", "uid 1000") == "", "the kernel's word alone is no name"


def test_the_text_has_no_password(path: Path) -> None:
    """Whoever may read may not know it."""
    told = config_routes(path)["config-text"].answer(Call("config-text"), "uid 7")
    assert "secret" not in str(told)
    assert "***@b:1" in str(told["toml"])


@pytest.mark.parametrize(
    "fields", [{}, {"toml": 7}, {"toml": "x" * 1_000_001}, {"toml": "", "who": "\x1b"}]
)
def test_a_bad_request_is_told(path: Path, fields: dict[str, object]) -> None:
    """By field."""
    with pytest.raises(BadRequest):
        config_routes(path)["config-apply"].answer(Call("config-apply", fields), "uid 1")


def test_a_surrogate_is_a_faulty_configuration(path: Path) -> None:
    """JSON can say what no UTF-8 has."""
    told = config_routes(path)["config-apply"].answer(
        Call("config-apply", {"toml": "\ud800", **SAID}), "uid 1"
    )
    assert told["ok"] is False
