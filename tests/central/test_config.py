"""central.toml."""

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from central.config import ConfigErrors, Listen, load_config, parse_config

GOOD = """
[store]
dir = "state"
[intake]
listen = "0.0.0.0:8443"
cert = "tls/central.pem"
key = "/etc/central.key"
[web]
listen = "[::1]:8080"
"""


def test_a_whole_file_is_read(tmp_path):
    """Paths are relative to the file, addresses are split."""
    config = parse_config(GOOD, tmp_path, "central.toml")
    assert config.store_dir == tmp_path / "state"
    assert config.cert == tmp_path / "tls/central.pem"
    assert str(config.key) == "/etc/central.key"
    assert (config.intake, config.web) == (Listen("0.0.0.0", 8443), Listen("::1", 8080))


def test_pages_may_be_left_out(tmp_path):
    """Without [web] only the intake is served."""
    text = GOOD[: GOOD.index("[web]")]
    assert parse_config(text, tmp_path, "central.toml").web is None


def test_every_fault_is_told_at_once(tmp_path):
    """Unknown, missing and impossible fields come in one error, each with its place."""
    text = """
    surplus = 1
    [store]
    dirr = "x"
    [intake]
    listen = "8443"
    cert = 5
    key = "k"
    [web]
    listen = "0.0.0.0:8080"
    """
    with pytest.raises(ConfigErrors) as caught:
        parse_config(text, tmp_path, "central.toml")
    told = str(caught.value).splitlines()
    assert len(told) == 6
    for part in (
        "[surplus]: unknown",
        "[store] dirr: unknown",
        "[store] dir: missing",
        "[intake] cert: must be a text",
        '[intake] listen = "8443"',
        "plain HTTP stays on the loopback",
    ):
        assert any(part in line for line in told), part


@pytest.mark.parametrize("listen", ["host", ":80", "h:", "h:99999", "h:-1", "h:8o", "h:٣", "[::1]"])
def test_impossible_addresses_are_refused(listen, tmp_path):
    """An address without a possible port is a fault."""
    with pytest.raises(ConfigErrors, match="address:port"):
        parse_config(GOOD.replace("0.0.0.0:8443", listen), tmp_path, "central.toml")


@pytest.mark.parametrize("text", ["[store", "", "store = 1\nintake = []\nweb = 2"])
def test_what_is_no_configuration_is_refused(text, tmp_path):
    """Broken TOML, an empty file and tables that are none are faults, not crashes."""
    with pytest.raises(ConfigErrors, match=r"^central.toml: "):
        parse_config(text, tmp_path, "central.toml")


def test_a_missing_file_is_refused(tmp_path):
    """The file's own path is in the error."""
    with pytest.raises(ConfigErrors, match=r"nowhere\.toml: cannot be read"):
        load_config(tmp_path / "nowhere.toml")


def test_certificate_and_key_are_tried(tmp_path, certificate):
    """A key that is not the certificate's, or no file at all, is found before serving."""
    path = tmp_path / "central.toml"
    path.write_text(GOOD.replace("/etc/central.key", "tls/central.key"))
    with pytest.raises(ConfigErrors) as caught:
        load_config(path)
    assert len(caught.value.faults) == 2
    (tmp_path / "tls").mkdir()
    another = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (tmp_path / "tls/central.pem").write_bytes(certificate[0])
    (tmp_path / "tls/central.key").write_bytes(another)
    with pytest.raises(ConfigErrors, match="its private key"):
        load_config(path)
    (tmp_path / "tls/central.key").write_bytes(certificate[1])
    assert load_config(path).key == tmp_path / "tls/central.key"


def test_a_file_without_end_is_refused(tmp_path):
    """No more than the bound is read."""
    path = tmp_path / "central.toml"
    path.write_text("#" * 70_000)
    with pytest.raises(ConfigErrors, match="longer than"):
        load_config(path)


TERMINATED = GOOD.replace("0.0.0.0:8443", "127.0.0.1:8443").replace(
    "[web]", 'ca = "tls/ca.pem"\nclient_identity_header = "Gas-Client-Identity"\n[web]'
)


def test_a_terminator_and_a_ca_may_be_named(tmp_path):
    """Both are optional; the path is relative to the file."""
    config = parse_config(TERMINATED, tmp_path, "central.toml")
    assert config.ca == tmp_path / "tls/ca.pem"
    assert config.client_identity_header == "Gas-Client-Identity"
    config = parse_config(GOOD, tmp_path, "central.toml")
    assert (config.ca, config.client_identity_header) == (None, None)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("127.0.0.1:8443", "0.0.0.0:8443", "only the terminator on this machine may connect"),
        ("Gas-Client-Identity", "Gas Client", 'letters, digits and "-" only'),
    ],
)
def test_a_header_that_anybody_could_write_is_refused(tmp_path, old, new, told):
    """With it the intake listens on the loopback only."""
    with pytest.raises(ConfigErrors, match=told):
        parse_config(TERMINATED.replace(old, new), tmp_path, "central.toml")
