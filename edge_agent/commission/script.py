"""The whole of a commissioning, in the order in which a fitter walks through a site. Pure."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from edge_agent.commission.answers import Answers
from edge_agent.commission.bus_script import bus_part, device_part
from edge_agent.commission.question import NONE, BadAnswer, Question, Script
from edge_agent.commission.run_script import regulator_part, run_part
from edge_agent.commission.site_script import approval_part, central_part, site_part

MAX_REMARK: Final = 200


def remark(text: str) -> str:
    """The reason of the statement: as long as one may be."""
    if len(text) > MAX_REMARK:
        raise BadAnswer("bad.long", most=MAX_REMARK)
    return text


def script(answers: Answers, state_dir: Path) -> Script:
    """Every question, as far as the answers lead. `answers` may grow while it runs."""
    yield from site_part()
    yield from central_part(state_dir)
    yield from bus_part(answers)
    yield from device_part(answers)
    yield from run_part(answers)
    yield from regulator_part(answers)
    yield Question(("commission", "who"), "sign.who", None, ("change.by",))
    yield Question(("commission", "remark"), "sign.remark", NONE, takes=remark)
    yield from approval_part(answers.get(("gateway", "state_dir"), str(state_dir)))
