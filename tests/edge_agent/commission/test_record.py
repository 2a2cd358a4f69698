"""What a commissioning leaves: statements that fit their form, a sheet that fits the paper."""

from __future__ import annotations

import hashlib
from pathlib import Path

from edge_agent.commission.document import document
from edge_agent.commission.record import CODE, Done, gateway_fields, run_fields, sheet
from edge_agent.commission.seen import Readings
from edge_agent.config.file import parse_config
from edge_agent.language import load_words
from edge_agent.terminal import WIDTH, columns
from protocols.evidence.statement import Statement, parse_statement
from tests.edge_agent.commission.test_document import whole
from tests.edge_agent.commission.walking import METER


def done(directory: Path, readings: dict[str, Readings] | None = None) -> Done:
    config = parse_config(document(whole(directory)), directory / "gateway.toml")
    shown = {"meter-1": METER} if readings is None else readings
    digest = hashlib.sha256(b"file").hexdigest()
    displays = {("R1", "line"): "123456.789"}
    return Done(config, digest, "gas-gateway 0.1.0", "Li Wei", "WO 17", shown, displays)


def test_the_statements(tmp_path: Path) -> None:
    """Whom, what, by which hash; each fits a leaf."""
    one = done(tmp_path)
    gateway, run = dict(gateway_fields(one)), dict(run_fields(one, one.config.runs[0]))
    for fields in (gateway_fields(one), run_fields(one, one.config.runs[0])):
        assert parse_statement(Statement(CODE, "Li Wei", "WO 17", fields).to_body())
    assert gateway["customer"] == run["customer"] == "客户 100-2231"
    assert gateway["configuration_sha256"] == one.config.hash().hex()
    assert gateway["device_2"] == "p-1: serial 330041, keller-33x, line-1 unit 2"
    assert (run["meter_serial"], run["meter_profile"]) == ("21450301", "sick-flowsic500")
    assert (run["qmin_m3_h"], run["qmax_m3_h"]) == ("16", "1000")
    assert (run["base_temperature_c"], run["base_pressure_kpa"]) == ("20", "101.325")
    assert run["pressure_range_kpa_abs"] == "85.5 - 1095.5"
    assert run["start_vm_m3"] == "123456.789"
    assert run["start_vm_err_m3"] is None  # it was not read
    assert (run["display_line_m3"], run["display_base_m3"]) == ("123456.789", None)


def test_a_meter_that_could_not_be_read(tmp_path: Path) -> None:
    """Its start is not known, and nothing is invented."""
    one = done(tmp_path, {"meter-1": Readings(failure="no answer")})
    starts = [value for name, value in run_fields(one, one.config.runs[0]) if "start_" in name]
    assert set(starts) == {None}


def test_the_sheet(tmp_path: Path) -> None:
    """Both languages, 80 columns, room to sign."""
    words = [load_words("edge_agent.commission", chinese=chinese) for chinese in (False, True)]
    text = sheet(done(tmp_path), "2026-11-26 12:00 UTC", *words)
    assert [line for line in text.split("\n") if columns(line) > WIDTH] == []
    for told in (
        "Commissioning sheet",
        "投运单",
        "123456.789 m3",
        "客户 100-2231",
        "WO 17",
        "____",
    ):
        assert told in text
