"""The answers of a site with one meter run, for tests: keys by hand, two instruments on a line."""

from __future__ import annotations

from pathlib import Path

from edge_agent.commission.answers import Key, parse_answers
from tests.edge_agent.gateway import RECEIPTS, write_ca

TEXT = f"""
[site]
name = "Boiler house 3"
customer = "客户 100-2231"
zone = "Asia/Shanghai"
gas_day_start_hour = 8
altitude_m = 500
atmospheric_pressure_kpa = 95.5
[central]
url = "https://central.example:8443"
token = "-"
ca = "ca.pem"
receipt_key = "{RECEIPTS.vkey}"
[gateway]
id = "gw-1"
[bus.line-1]
type = "rtu"
port = "/dev/serial/by-id/usb-adapter-1"
[device.meter-1]
unit = 1
profile = "sick-flowsic500"
serial = "21450301"
[device.p-1]
unit = 2
profile = "keller-33x"
serial = "330041"
[gas.grid]
hs_25_0_mj_m3 = 40.66
relative_density_0 = 0.581
x_co2 = 0.006
[run.R1]
meter = "meter-1"
qmin_m3_h = 16
qmax_m3_h = 1000
method = "SGERG-88"
gas = "grid"
pressure_device = "p-1"
pressure_kind = "gauge"
pressure_range = "0-10 bar"
pressure_substitute_kpa_abs = 400
temperature_device = "meter-1"
[commission]
who = "Li Wei"
remark = "WO 17"
"""


def given(directory: Path | None = None) -> dict[Key, str]:
    """The answers; with the CA's file in the directory, where one is named."""
    if directory is not None:
        write_ca(directory)
    return parse_answers(TEXT.encode(), "answers.toml")
