"""Why an act cannot be done, in the language of whoever acts."""

from __future__ import annotations

import re
from pathlib import Path

import edge_agent.acts
from edge_agent.acts.fault import BadFigure, Fault, NotDone
from edge_agent.language import load_table, load_words


def test_it_is_told_in_both_languages() -> None:
    """And as English where it is only written down."""
    fault = NotDone("no_run", run="R9", known="R1")
    assert str(fault) == "no run 'R9'; there are: R1"
    chinese = load_words("edge_agent.acts", chinese=True)
    assert fault.told(chinese) == "没有计量回路 'R9'；现有：R1"
    assert isinstance(BadFigure("limit"), Fault)


FOLDER = Path(edge_agent.acts.__file__).parent
CODE = "\n".join(path.read_text(encoding="utf-8") for path in FOLDER.glob("*.py"))
EN = load_table("edge_agent.acts", "en")
MADE = {
    *(f"{head}_points_{name}" for head in ("few", "many") for name in ("found", "left")),
    "fixed_pressure",
    "fixed_temperature",
}
PUT_TOGETHER = (
    "fault.", "q.", "role.", "from.", "what.", "state.", "cal.", "run.", "value.", "regulator.",
)  # fmt: skip


def test_every_key_that_is_raised_has_words() -> None:
    """And no words are left over."""
    raised = set(re.findall(r"(?:NotDone|BadFigure)\(\s*\"([a-z_]+)\"", CODE))
    told = {key.removeprefix("fault.") for key in EN if key.startswith("fault.")}
    assert told == raised | MADE


def test_no_words_are_left_over() -> None:
    """A key that nothing says any more goes."""
    keys = [key for key in EN if not key.startswith(PUT_TOGETHER)]
    assert [key for key in keys if not re.search(rf"[\"']{re.escape(key)}[\"']", CODE)] == []
