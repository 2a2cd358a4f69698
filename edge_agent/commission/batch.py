"""A commissioning by a file of answers: first all that is missing or wrong, then the world."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from edge_agent.commission.answers import WIZARD, Answers, Key, dotted, names_of
from edge_agent.commission.checking import faults_of
from edge_agent.commission.question import Question
from edge_agent.commission.session import Problem, Session, default_of_file, judged, missing
from edge_agent.language import Words


class Trouble(NamedTuple):
    """An answer that is missing or not possible, by its name in the file."""

    answer: str
    problem: str
    is_missing: bool


def gather(given: Answers, path: Path, state_dir: Path, words: Words) -> list[Trouble]:
    """All that can be told without a look at instruments or central."""
    answers = dict(given)
    open_keys, session = missing(answers, path, state_dir)
    found = []
    for key in open_keys:
        asked = words(session.asked[key].words, **_shown(session.asked[key], words))
        found.append(Trouble(dotted(key), words("missing", question=asked.split("\n")[0]), True))
    if not names_of(given, "device"):
        found.append(Trouble("device", words("no_device"), True))
    for key, question in session.asked.items():
        if key in given:
            judgement = judged(answers, question, given[key], path)
            if isinstance(judgement, Problem):
                found.append(_wrong(key, judgement, words))
    return found


def fill(session: Session, given: Answers, words: Words) -> list[Trouble]:
    """The rest, from instruments and central; then the whole configuration's faults."""
    while (question := session.open_question()) is not None:
        default = default_of_file(question)
        problem = None if default is None else session.answer(question, default)
        if default is None or problem is not None:
            return [_unanswered(question, problem, words)]
    found = [
        _wrong(key, judgement, words)
        for key, question in session.asked.items()
        if key in given and isinstance(judgement := _taken(session, key, question), Problem)
    ]
    return found or [
        Trouble(fault.field, f"{fault.problem}; {fault.remedy}", False)
        for fault in faults_of(session.answers, session.path)
    ]


def _wrong(key: Key, problem: Problem, words: Words) -> Trouble:
    return Trouble(dotted(key), words(problem.words, **problem.values), False)


def _taken(session: Session, key: Key, question: Question) -> str | Problem:
    found = judged(session.answers, question, session.answers[key], session.path)
    if not isinstance(found, Problem):
        session.answers[key] = found
    return found


def _unanswered(question: Question, problem: Problem | None, words: Words) -> Trouble:
    """What stopped it: an instrument or central said something that nobody is there to judge."""
    name = dotted(question.key)
    if problem is not None:
        return _wrong(question.key, problem, words)
    lines = words(question.words, **_shown(question, words)).split("\n")
    told = lines[:-1] if len(lines) > 1 and lines[-1].endswith(("?", "？")) else lines
    text = " ".join(told)  # without a question that nobody is there to answer
    return Trouble(name if question.key[0] != WIZARD else question.part, text, False)


def _shown(question: Question, words: Words) -> dict[str, object]:
    return {
        name: words.get(value, value) if isinstance(value, str) else value
        for name, value in question.values.items()
    }
