"""A session without a world: what is seen is a table of the test."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edge_agent.commission.answers import Key
from edge_agent.commission.question import Look, Question
from edge_agent.commission.seen import Readings, Shown
from edge_agent.commission.session import Problem, Session

METER = Readings(
    {
        "resolution_vm": Shown("-3", "-3"),
        "resolution_vb": Shown("-2", "-2"),
        "vm": Shown("123456789 count", "123456789"),
        "vb": Shown("61022233 count", "61022233"),
    },
    "21450301",
)


class World:
    """Answers looks by their kind; counts them."""

    def __init__(self, seen: Mapping[str, Any] | None = None) -> None:
        self.seen = dict(seen or {})
        self.looks: list[Look] = []

    def __call__(self, look: Look) -> Any:
        self.looks.append(look)
        found = self.seen.get(look.what)
        return found(look) if callable(found) else found


def session_of(
    directory: Path, answers: dict[Key, str] | None = None, world: World | None = None
) -> Session:
    path = directory / "gateway.toml"
    return Session(answers if answers is not None else {}, path, directory / "state",
                   world or World())  # fmt: skip


def answered(session: Session, typed: Mapping[str, str]) -> list[str]:
    """Answer by the words of the question, else by its default; what was asked."""
    asked = []
    while (question := session.open_question()) is not None:
        asked.append(question.words)
        text = typed.get(question.words, question.default)
        assert text is not None, f"nobody answers {question.words}"
        problem = session.answer(question, text)
        assert not isinstance(problem, Problem), (question.words, text, problem)
        assert len(asked) < 200
    return asked


def until(session: Session, words: str, typed: Mapping[str, str]) -> Question:
    """Answer until this question is open; the question."""
    for _ in range(200):
        question = asked_of(session)
        if question.words == words:
            return question
        text = typed.get(question.words, question.default)
        assert text is not None, f"nobody answers {question.words}"
        problem = session.answer(question, text)
        assert problem is None, (question.words, text, problem)
    raise AssertionError(f"never asked: {words}")


def asked_of(session: Session) -> Question:
    question = session.open_question()
    assert question is not None
    return question
