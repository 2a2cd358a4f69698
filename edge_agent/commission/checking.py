"""Whether an answer is possible: by the configuration's own check, never by a second set of rules.

The answers so far are made a configuration, and of its faults those count that name a field of the
question. What is still missing is no fault of this answer.
"""

from __future__ import annotations

from pathlib import Path

from edge_agent.commission.answers import Answers, Key, names_of
from edge_agent.commission.document import Table, document
from edge_agent.commission.question import Question
from edge_agent.config.fields import Fault
from edge_agent.config.file import ConfigErrors, parse_config


def faults_of(answers: Answers, path: Path) -> tuple[Fault, ...]:
    """Every fault of the configuration that the answers make; `path` is where it will stand."""
    return _faults(document(answers), path)


def _faults(table: Table, path: Path) -> tuple[Fault, ...]:
    try:
        parse_config(table, path)
    except ConfigErrors as error:
        return error.faults
    return ()


def faults_of_answer(
    answers: Answers, question: Question, answer: str, path: Path
) -> tuple[Fault, ...]:
    """Those faults that this answer brings."""
    if not question.fields:
        return ()
    fields = tuple(field.replace("{}", answer) for field in question.fields)
    table = document({**answers, question.key: answer})
    if question.names and answer not in names_of(answers, question.names):
        table.setdefault(question.names, []).append({"name": answer})
    return tuple(fault for fault in _faults(table, path) if _is_about(fault, fields))


def owner_of(fault: Fault, asked: dict[Key, Question], answers: Answers) -> Key | None:
    """The answer that a fault of the whole configuration belongs to: the one whose field is named
    most closely; None where it is nobody's."""
    best: tuple[int, Key] | None = None
    for key, question in asked.items():
        for field in question.fields:
            named = field.replace("{}", answers.get(key, ""))
            if _starts(fault.field, named) and (best is None or len(named) > best[0]):
                best = len(named), key
    return None if best is None else best[1]


def _is_about(fault: Fault, fields: tuple[str, ...]) -> bool:
    return any(_starts(fault.field, field) for field in fields)


def _starts(field: str, prefix: str) -> bool:
    return field == prefix or field.startswith((f"{prefix}.", f"{prefix}["))
