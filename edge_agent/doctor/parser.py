"""The arguments of `edge-agent doctor`."""

from __future__ import annotations

import argparse

from edge_agent.console import add_config


def add_doctor(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    doctor = commands.add_parser(
        "doctor",
        help="what is wrong on this site, why, and what to do",
        description="Checks site, configuration, buses, devices, the way to central, disk and "
        "clock; through the running agent, or without one. Exit status: 0 nothing found, 1 "
        "findings, 2 nothing could be checked.",
        epilog="example: edge-agent doctor --bus line-1",
    )
    add_config(doctor)
    doctor.add_argument("--json", action="store_true", help="one JSON object, schema 1")
    doctor.add_argument("--bus", metavar="NAME", default="", help="only this bus and its devices")
    doctor.add_argument(
        "--deep",
        action="store_true",
        help="also read the whole journal, and each device's serial number",
    )
    doctor.set_defaults(command=_doctor)


def _doctor(options: argparse.Namespace) -> int:
    from edge_agent.doctor.command import doctor
    from edge_agent.doctor.look import Wanted

    wanted = Wanted(deep=options.deep, bus=options.bus)
    return doctor(options.config, wanted, as_json=options.json)
