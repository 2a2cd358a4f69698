"""Gas data sent to a gateway: checked before it is signed, numbered, listed with its fate."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from central.cli import main
from central.keys import create_receipt_key, load_order_key
from central.orders import (
    STATES,
    Effective,
    OrderError,
    effective_ms,
    gas_of_figures,
    list_orders,
    send_gas,
)
from central.store.database import open_store
from central.store.log_tables import gas_order
from central.web.words import load_words
from edge_agent.recording import gas_in_force
from protocols.evidence.leaf import NO_REFERENCE, Kind, Log
from protocols.evidence.note import KeyType, Signer, Verifier
from protocols.evidence.order import open_order
from protocols.metering.gas_order import parse_gas_order

GATEWAY_KEY = Signer.from_private_bytes("gw-1", b"g" * 32).vkey
GAS = {"methane": 0.965, "ethane": 0.018, "propane": 0.011, "nitrogen": 0.003, "CO2": 0.003}
FIGURES = ("--figures", "40.66", "0.581", "0.006", "0.0")
LATER = "2099-12-01T08:00:00+08:00"
NOON_MS = 1_796_126_400_000  # 2026-12-01T12:00:00Z
ORDERS = Signer.from_private_bytes("central-orders", b"o" * 32)


@pytest.fixture
def run(tmp_path, capsys):
    def run_command(*words):
        status = main([*words, "--store", str(tmp_path / "store")])
        told = capsys.readouterr()
        return status, told.out, told.err

    run_command("init")
    run_command("gateway", "add", "gw-1", GATEWAY_KEY)
    return run_command


@pytest.fixture
def send(run, tmp_path):
    """Sends by composition, with some words changed; None leaves a word out."""

    def send_command(gas=GAS, *more, **changes):
        path = tmp_path / "gas.json"
        path.write_text(gas if isinstance(gas, str) else json.dumps(gas))
        words = {"gateway": "gw-1", "gas": "grid", "composition": str(path), "who": "Li Wei",
                 "effective": LATER} | changes  # fmt: skip
        given = [word for name, value in words.items() if value is not None
                 for word in (f"--{name}", value)]  # fmt: skip
        return run("gas", "send", *given, *more)

    return send_command


def notes(tmp_path):
    store = open_store(tmp_path / "store")
    with store.engine.connect() as conn:
        rows = conn.execute(gas_order.select().order_by(gas_order.c.number)).all()
    store.close()
    return rows


def test_an_order_is_signed_and_stored(run, send, tmp_path):
    """The note opens with the key that order-key prints, and says what was given."""
    vkey = run("order-key")[1].strip()
    assert send()[:2] == (0, "order 1 to gw-1: gas grid from 2099-12-01T00:00:00Z\n")
    (row,) = notes(tmp_path)
    order = open_order(row.note, Verifier.from_vkey(vkey), "gw-1")
    gas = parse_gas_order(order.item)
    assert (order.number, order.kind, gas.name, gas.who) == (1, "gas", "grid", "Li Wei")
    assert gas.composition_e9[:3] == (965_000_000, 3_000_000, 3_000_000)
    assert gas.effective_utc_ms == row.effective_utc_ms == 4_099_766_400_000


def test_four_figures_are_a_gas(run, tmp_path):
    """Hs, d, CO2 and H2 stand in the order as they were given."""
    words = ("--gateway", "gw-1", "--gas", "grid", "--who", "Li Wei", "--effective", LATER)
    assert run("gas", "send", *words, *FIGURES)[0] == 0
    gas = parse_gas_order(
        open_order(
            notes(tmp_path)[0].note, load_order_key(tmp_path / "store").verifier, "gw-1"
        ).item
    )
    assert (gas.hs_j_m3, gas.d_e9, gas.x_co2_e9, gas.x_h2_e9) == (
        *(40_660_000, 581_000_000, 6_000_000, 0),
    )


def test_the_order_key_is_another_than_the_receipt_key(run, tmp_path):
    """One key, one thing: name, type and secret differ, and its file is its owner's only."""
    receipts = Verifier.from_vkey(run("receipt-key")[1].strip())
    orders = Verifier.from_vkey(run("order-key")[1].strip())
    assert (orders.name, orders.key_type) == ("central-orders", KeyType.NOTE)
    assert receipts.vkey.split("+")[2] != orders.vkey.split("+")[2]
    assert (tmp_path / "store" / "order-key").stat().st_mode & 0o777 == 0o600


def test_an_older_store_gets_an_order_key_and_keeps_it(run, tmp_path):
    """A store without one gets it when it is asked for; afterwards it is always the same."""
    (tmp_path / "store" / "order-key").unlink()
    made = run("order-key")
    assert made[0] == 0
    assert run("order-key") == made
    run("init")
    assert run("order-key") == made


def test_a_lost_order_key_is_told_and_not_replaced(run, send, tmp_path):
    """Gateways believe the key that signed before; another one would be a stranger to them."""
    send()
    (tmp_path / "store" / "order-key").unlink()
    for status, out, error in (run("order-key"), run("init"), send()):
        assert (status, out) == (2, "")
        assert "restore it from your own copy" in error
    assert len(notes(tmp_path)) == 1


@pytest.mark.parametrize("content", [b"", b"central", b"central AAAA\n"])
def test_a_damaged_order_key_is_told(run, send, tmp_path, content):
    """Nothing is signed with what is no key."""
    (tmp_path / "store" / "order-key").write_bytes(content)
    status, _, error = send()
    assert status == 2
    assert "order-key: " in error


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"gas": {"methane": 0.9}}, "adds up to 0.9"),
        ({"gas": {"methane": 1.0, "plutonium": 0.0}}, "plutonium"),
        ({"gas": {"methane": "1"}}, "methane"),
        ({"gas": "{"}, "malformed JSON"),
        ({"gas": '{"methane": 0.5, "methane": 0.5}'}, "methane is given twice"),
        ({"composition": "/nowhere/gas.json"}, "check the path"),
        ({"effective": "2026-12-01T08:00:00"}, "has no offset"),
        ({"effective": "tomorrow"}, "2026-12-01T08:00:00+08:00"),
        ({"effective": None}, "--effective is missing"),
        ({"effective": "2025-01-01T08:00:00Z"}, "is over"),
        ({"effective": "9999-01-01T08:00:00Z"}, "effective_utc_ms"),
        ({"who": ""}, "who has 0 characters"),
        ({"who": "Li\nWei"}, "who has a character"),
        ({"gateway": "gw-2"}, "'gw-2' is not registered"),
    ],
)
def test_what_no_gateway_could_use_is_not_signed(send, tmp_path, changes, told):
    """The refusal names the field and what to do, and no order is stored."""
    gas = changes.pop("gas", GAS) if "gas" in changes else GAS
    status, out, error = send(gas, **changes)
    assert (status, out) == (2, "")
    assert told in error
    assert notes(tmp_path) == []


@pytest.mark.parametrize(
    "figures", [("39.06", "0.5", "0", "0"), ("nan", "0.58", "0", "0"), ("inf", "0.58", "0", "0"),
                ("1", "0.58", "0", "0"), ("40.66", "0.581", "0.006", "-0.1")]
)  # fmt: skip
def test_figures_that_are_no_gas_are_not_signed(run, tmp_path, figures):
    """Neither out of range, nor no number, nor a density that such a heating value cannot have."""
    words = ("--gateway", "gw-1", "--gas", "grid", "--who", "Li Wei", "--effective", LATER)
    status, _, error = run("gas", "send", *words, "--figures", *figures)
    assert status == 2
    assert "edge-central: " in error
    assert notes(tmp_path) == []


def test_a_time_that_is_over_takes_effect_on_arrival_if_that_is_meant(send, tmp_path):
    """--now permits it, and stands for the time where none is given."""
    assert send(GAS, "--now", effective="2025-01-01T08:00:00Z")[0] == 0
    assert send(GAS, "--now", effective=None)[0] == 0
    first, second = notes(tmp_path)
    assert first.effective_utc_ms == 1_735_718_400_000
    assert second.effective_utc_ms == pytest.approx(second.sent_ms, abs=60_000)


def test_times_are_read_with_their_offset():
    """UTC and an offset name the same instant; a fraction of a second is kept in ms."""
    for text in ("2026-12-01T12:00:00Z", "2026-12-01T20:00:00+08:00", "2026-12-01T06:00-06:00"):
        assert effective_ms(text, 0, is_now=False) == NOON_MS
    assert effective_ms("2026-12-01T12:00:00.250Z", 0, is_now=False) == NOON_MS + 250
    assert effective_ms(None, 7, is_now=True) == 7
    with pytest.raises(OrderError, match="is over"):
        effective_ms("2026-12-01T12:00:00Z", NOON_MS + 1, is_now=False)


def test_numbers_rise_by_gateway(central, made):
    """From 1, each gateway by itself, and above what a restored backup has lost."""
    for name in ("gw-1", "gw-2"):
        central.register(made.Gateway(name))
    gas = gas_of_figures("grid", (40.66, 0.581, 0.006, 0.0), Effective(NOON_MS, "Li Wei"))

    def send(gateway, after=0):
        return send_gas(central.store, ORDERS, gateway, gas, lambda: 5, after)

    assert [send("gw-1"), send("gw-1"), send("gw-2"), send("gw-1")] == [1, 2, 1, 3]
    assert [send("gw-1", 7), send("gw-1", 7), send("gw-1")] == [8, 9, 10]
    with pytest.raises(OrderError, match="number"):
        send("gw-2", 1 << 53)


def test_two_senders_never_take_one_number(central, made):
    """Eight at once get eight numbers."""
    central.register(made.Gateway("gw-1"))
    gas = gas_of_figures("grid", (40.66, 0.581, 0.006, 0.0), Effective(NOON_MS, "Li Wei"))
    with ThreadPoolExecutor(4) as threads:
        numbers = list(
            threads.map(lambda _: send_gas(central.store, ORDERS, "gw-1", gas, lambda: 5), range(8))
        )
    assert sorted(numbers) == list(range(1, 9))


def test_the_list_tells_what_became_of_each(central, made):
    """By the newest event of the gateway's own that names the order."""
    gateway = made.Gateway()
    central.register(gateway)
    central.register(made.Gateway("gw-2"))
    gas = gas_of_figures("grid", (40.66, 0.581, 0.006, 0.0), Effective(NOON_MS, "Li Wei"))
    for to in ("gw-1", "gw-1", "gw-1", "gw-2"):
        send_gas(central.store, ORDERS, to, gas, lambda: 5)
    for code, number in (
        ("gas_order_received", 1),
        ("gas_order_received", 2),
        ("gas_order_in_force", 1),
        ("gas_order_refused", 2),
        ("gas_order_late", 1),
    ):
        gateway.add(Kind.EVENT, "", NO_REFERENCE, (code, None, number, "central: Li Wei", ""))
    central.send(gateway, Log.BILLING)
    central.catch_up()
    told = {(o.gateway, o.number): o.state for o in list_orders(central.store)}
    assert told == {
        ("gw-1", 1): "in force", ("gw-1", 2): "refused", ("gw-1", 3): "sent", ("gw-2", 1): "sent",
    }  # fmt: skip
    assert [o.gateway for o in list_orders(central.store, "gw-2")] == ["gw-2"]


def test_every_state_is_an_event_with_words():
    """The gateway's codes are those that the list and the pages know."""
    codes = {getattr(gas_in_force, name) for name in
             ("RECEIVED", "WAITS", "REFUSED", "IN_FORCE", "ENDED")}  # fmt: skip
    assert codes == STATES.keys()
    for words in load_words().values():
        assert all(words.get(f"event.{code}") for code in (*codes, gas_in_force.LATE))


def test_a_gas_that_no_run_uses_is_not_signed(central, made, tmp_path, capsys):
    """The command holds it against the configurations that it knows."""
    gateway = made.Gateway().configure(made.config())
    central.register(gateway)
    central.send(gateway, Log.BILLING)
    central.catch_up()
    (tmp_path / "store" / "receipt-key").unlink(missing_ok=True)
    create_receipt_key(tmp_path / "store", "central")
    words = (
        "--store",
        str(tmp_path / "store"),
        "--gateway",
        "gw-1",
        "--gas",
        "grid",
        "--who",
        "Li",
    )
    assert main(["gas", "send", *words, "--now", *FIGURES]) == 2
    assert "its runs have no gas" in capsys.readouterr().err
    assert list_orders(central.store) == []


def test_the_list_is_printed(run, send):
    """An order a line: gateway, number, gas, time, state, who."""
    send()
    told = "gw-1\t1\tgrid\t2099-12-01T00:00:00Z\tsent\tLi Wei\n"
    assert run("gas", "list") == (0, told, "")
    assert run("gas", "list", "--gateway", "gw-2") == (0, "", "")
