"""The end of the script: who signs, and why."""

from __future__ import annotations

from pathlib import Path

from edge_agent.commission.session import Problem
from tests.edge_agent.commission.one_run import given
from tests.edge_agent.commission.walking import asked_of, session_of, until

TYPED = {"device.scan": "no", "device.more": "no"}


def test_a_name_and_a_remark_fit_the_record(tmp_path: Path) -> None:
    """What the statement could not hold is told when it is typed."""
    answers = given(tmp_path)
    del answers["commission", "who"], answers["commission", "remark"]
    session = session_of(tmp_path, answers)
    question = until(session, "sign.who", TYPED)
    assert isinstance(session.answer(question, "x" * 101), Problem)
    assert session.answer(question, "李伟") is None
    question = asked_of(session)
    assert isinstance(session.answer(question, "x" * 201), Problem)
    assert session.answer(question, "工单 17") is None
    assert session.open_question() is None
