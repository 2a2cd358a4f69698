"""One sentence: whether the site meters, and whether central has everything. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_agent.status.lines import BAD, GOOD, MANY, WARNING
from edge_agent.status.words_of_time import span

if TYPE_CHECKING:
    from edge_agent.language import Words
    from edge_agent.status.model import Snapshot


def headline(snapshot: Snapshot, words: Words) -> tuple[str, str]:
    """Its light and the sentence."""
    light, meters = _meters(snapshot, words)
    other, sent = _sent(snapshot, words)
    worst = BAD if BAD in (light, other) else WARNING if WARNING in (light, other) else GOOD
    return worst, words("headline", meters=meters, sent=sent)


def _meters(snapshot: Snapshot, words: Words) -> tuple[str, str]:
    runs = snapshot.runs
    bad = sum(run.quality == BAD for run in runs)
    uncertain = sum(run.quality not in (GOOD, BAD) for run in runs)
    if snapshot.journal.failing:
        return BAD, words("meters.not_stored")
    if not runs:
        return WARNING, words("meters.no_run")
    if bad == len(runs):
        return BAD, words("meters.none")
    if bad:
        return BAD, words("meters.some", good=len(runs) - bad, count=len(runs))
    if uncertain:
        return WARNING, words("meters.uncertain", bad=uncertain, count=len(runs))
    return GOOD, words("meters.all")


def _sent(snapshot: Snapshot, words: Words) -> tuple[str, str]:
    part, unsent = snapshot.uplink, snapshot.journal.unsent
    count = sum(unsent.values())
    age_ms = part.last_receipt_age_ms
    if part.state == "standstill":
        return BAD, words("sent.standstill", count=count)
    if part.state == "failing":
        if age_ms is None:
            return BAD, words("sent.never", count=count)
        return BAD, words("sent.failing", span=span(age_ms, words), count=count)
    if not count:
        return GOOD, words("sent.all")
    if part.state == "window":
        return GOOD, words("sent.window", count=count)
    if age_ms is None or part.state in ("never", "waiting"):
        return WARNING, words("sent.not_yet", count=count)
    if any(leaves > MANY for leaves in unsent.values()):
        return WARNING, words("sent.catching_up", count=count)
    ages = part.receipt_ages_ms  # of each log: it is the one that waits longest that counts
    oldest_ms = max((ages.get(log, age_ms) for log, leaves in unsent.items() if leaves))
    return GOOD, words("sent.until", span=span(oldest_ms, words))
