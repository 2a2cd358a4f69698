"""What is remembered of configurations, and how it goes from one to the next. Pure.

`config/index.json` in the state directory holds all of it, so that each step is one file replaced:

| field | is |
|---|---|
| versions | the newest ten: who, why, source, when, SHA-256 of the bytes, what became of it |
| current | the version in force: what gateway.toml holds, or must hold once `moving` is done |
| moving | its bytes are being put into gateway.toml; a start goes on with that |
| good | the last that ran well: run where neither gateway.toml nor `current` can be read |
| trial | the version in force has still to show that it polls and reaches central; else back |
| unreadable | gateway.toml is, and the alarm stands |
| untold | events that the journal does not hold yet: told at the next chance, then taken out |
| offers | what central's offers are about: see `offers` below |
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Literal, NamedTuple

MOST_VERSIONS: Final = 10
MOST_UNTOLD: Final = 64
MOST_STARTS: Final = 3
"""A version on trial under which the agent began so often without a verdict goes back."""
MAX_TEXT: Final = 200
SCHEMA: Final = 1
Outcome = Literal["", "trial", "good", "rolled_back"]


class HistoryError(ValueError):
    """The index is not one that this program wrote."""


@dataclass(frozen=True, slots=True)
class Version:
    """One configuration; who and why are claims. `utc_ms`: None where the clock was not set."""

    number: int
    sha256: str
    who: str
    why: str
    source: str  # "file": by hand; "act": a command on site; "offer 7": central's
    utc_ms: int | None = None
    outcome: Outcome = ""
    fate: str = ""  # why it was rolled back


class Baseline(NamedTuple):
    """What worked before: names and serials of devices that answered; whether central did."""

    devices: tuple[tuple[str, str], ...] = ()
    central: bool = False


@dataclass(frozen=True, slots=True)
class Trial:
    """A version that has still to show that it works; `back`: the one to go back to."""

    number: int
    back: int
    starts: int = 0
    baseline: Baseline | None = None  # None: the agent has not told it yet
    offer: int = 0  # the number of central's offer that brought it


class Told(NamedTuple):
    """An event that waits for the journal."""

    code: str
    old: int | str | None
    new: int | str | None
    who: str
    detail: str


class Waiting(NamedTuple):
    """An offer of central that was verified: to be carried out, or waiting for consent on site."""

    number: int
    kind: str
    valid_until_ms: int = 0
    consent: str = ""  # what wants it; empty: nothing does
    who: str = ""  # who gave it, and why
    why: str = ""


@dataclass(frozen=True, slots=True)
class History:
    """All of it; immutable."""

    versions: tuple[Version, ...] = ()
    current: int = 0
    moving: bool = False
    good: int = 0
    trial: Trial | None = None
    untold: tuple[Told, ...] = ()
    next_number: int = 1
    offer_number: int = 0  # the highest that was taken
    waiting: tuple[Waiting, ...] = ()
    unreadable: bool = False  # gateway.toml is, and an alarm says so

    def version(self, number: int) -> Version | None:
        return next((each for each in self.versions if each.number == number), None)

    def by_hash(self, sha256: str) -> Version | None:
        """The newest with that content."""
        return next((each for each in reversed(self.versions) if each.sha256 == sha256), None)

    @property
    def in_force(self) -> Version | None:
        return self.version(self.current)

    def tell(self, *told: Told) -> History:
        """Events more to be told; the oldest go where nobody ever took them."""
        return replace(self, untold=(*self.untold, *told)[-MOST_UNTOLD:])

    def was_told(self, told: tuple[Told, ...]) -> History:
        """The journal holds them."""
        left = list(self.untold)
        for each in told:
            if each in left:
                left.remove(each)
        return replace(self, untold=tuple(left))

    def with_version(self, version: Version) -> History:
        """A version more. Those in use stay, whatever their age; the oldest others go."""
        used = {self.current, self.good, version.number}
        if self.trial is not None:
            used |= {self.trial.number, self.trial.back}
        versions = [*self.versions, version]
        while len(versions) > MOST_VERSIONS:
            versions.remove(next(each for each in versions if each.number not in used))
        following = max(self.next_number, version.number + 1)
        return replace(self, versions=tuple(versions), next_number=following)

    def put_in_force(self, number: int, trial: Trial | None = None, no_trial: str = "") -> History:
        """The intent: gateway.toml must hold this version. Its event waits for the journal.

        `no_trial`: why it has none, where another one would have.
        """
        before, version = self.in_force, self.version(number)
        assert version is not None
        old = before.sha256 if before is not None else None
        detail = f"version {number}, {version.source}: {version.why}"
        if trial is not None:
            detail += f"; on trial, else back to version {trial.back}"
        elif no_trial:
            detail += f"; {no_trial}"
        told = Told("configuration_applied", old, version.sha256, version.who, detail)
        moved = replace(self, current=number, moving=True, trial=trial)
        if before is not None or version.source != "file":  # a first start is told as such
            moved = moved.tell(told)
        return moved.judged(number, "trial") if trial is not None else moved

    def moved(self) -> History:
        return replace(self, moving=False)

    def judged(self, number: int, outcome: Outcome, fate: str = "") -> History:
        """What became of a version, and why."""
        versions = tuple(
            replace(each, outcome=outcome, fate=fate[:MAX_TEXT]) if each.number == number else each
            for each in self.versions
        )
        good = number if outcome == "good" else self.good
        return replace(self, versions=versions, good=good)

    def kept(self) -> History:
        """The trial went well."""
        trial, version = self.trial, self.in_force
        if trial is None or version is None:
            return self
        told = Told("configuration_kept", None, version.sha256, "agent", f"version {trial.number}")
        kept = replace(self.judged(trial.number, "good"), trial=None).tell(told)
        if trial.offer:
            kept = kept.tell(Told("offer_done", None, trial.offer, "agent", "kept"))
        return kept

    def rolled_back(self, why: str, who: str = "agent") -> History:
        """The trial did not go well: the version before is in force again."""
        trial = self.trial
        if trial is None:
            return self
        tried, back = self.version(trial.number), self.version(trial.back)
        detail = f"version {trial.number} back to {trial.back}: {why}"[:1000]
        told = Told(
            "configuration_rolled_back",
            tried.sha256 if tried else None,
            back.sha256 if back else None,
            who,
            detail,
        )
        judged = self.judged(trial.number, "rolled_back", why)
        state = replace(judged, trial=None, current=trial.back)
        state = replace(state, moving=True).tell(told)
        if trial.offer:
            state = state.tell(Told("offer_rolled_back", None, trial.offer, who, why[:1000]))
        return state


def encode(history: History) -> bytes:
    """The index file's bytes."""
    table = {"schema": SCHEMA, **asdict(history)}  # of a name that is no UTF-8: no leaf holds it
    return json.dumps(table, ensure_ascii=False, indent=1).encode(errors="replace") + b"\n"


def decode(data: bytes) -> History:
    """The inverse of `encode`. Raises HistoryError: the file was damaged or is not ours."""
    try:
        table = json.loads(data)
        if table.pop("schema") != SCHEMA:
            raise HistoryError("of another schema")
        trial = table.pop("trial")
        history = History(
            versions=tuple(Version(**each) for each in table.pop("versions")),
            trial=None if trial is None else _trial(trial),
            untold=tuple(Told(*each) for each in table.pop("untold")),
            waiting=tuple(Waiting(*each) for each in table.pop("waiting")),
            **table,
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise HistoryError(f"not an index of configurations: {error}") from error
    numbers = [each.number for each in history.versions]
    if any(type(number) is not int for number in (*numbers, history.current, history.good)):
        raise HistoryError("a number of a version is none")
    return history


def _trial(table: dict[str, Any]) -> Trial:
    baseline = table.pop("baseline")
    if baseline is not None:
        devices, central = baseline
        baseline = Baseline(tuple((str(name), str(serial)) for name, serial in devices), central)
    return Trial(baseline=baseline, **table)
