"""An export in words: what is in it, flaws, what was proven, what was not."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

from edge_agent.language import Words
from edge_agent.terminal import labelled, utc, wrapped
from edge_agent.verify.export_audit import ExportReport
from edge_agent.verify.leaf_index import ABSENT, HASHES_ONLY
from edge_agent.verify.proof_lines import bullet, publisher_lines
from protocols.audit.figures import decimal
from protocols.audit.run_account import RunAccount
from protocols.evidence.facts import Loss
from protocols.evidence.leaf import Leaf, Origin
from protocols.evidence.merkle import Hole

MAX_SHOWN: Final = 20  # of each list


def export_lines(report: ExportReport, pinned: bool, words: Words) -> Iterator[str]:
    """All lines, at most 80 columns each. ``pinned``: the publisher is the one that was given."""
    state = words("not_proven" if report.flaws else "proven")
    title = words("e.title", gateway=report.export.gateway)
    yield words("title", state=state, what=title)
    yield ""
    yield from _contents(report, words)
    yield ""
    for name in sorted(report.account.runs):
        yield from _run(report.account.runs[name], words)
    if report.flaws:
        yield ""
        yield words("flaws")
        for flaw in report.flaws[:MAX_SHOWN]:
            leaf = "" if flaw.seq is None else words("e.leaf", seq=flaw.seq)
            yield from bullet(f"{flaw.file}{leaf}: {words.said(flaw.what)}")
        if (more := len(report.flaws) - MAX_SHOWN + report.more_flaws) > 0:
            yield from bullet(words("e.more", count=more))
    yield ""
    yield words("what_was")
    yield from _proven(report, words)
    yield ""
    yield words("what_was_not")
    yield from _not_proven(report, pinned, words)
    yield ""
    yield words("keys")
    yield from publisher_lines(report.keys.publisher, pinned, words)


def _contents(report: ExportReport, words: Words) -> Iterator[str]:
    export = report.export
    yield from labelled(words("e.range"), f"{utc(export.from_ms)} - {utc(export.to_ms)}")
    yield from labelled(words("e.made"), utc(1000 * export.time_s))
    for part in export.parts:
        log, epoch = part.origin.log.value, part.origin.epoch
        place = {"first": part.frontier.size, "last": part.size - 1, "uploads": part.uploads}
        yield from wrapped(words("e.part", log=log, epoch=epoch, **place), 2, 4)


def _run(run: RunAccount, words: Words) -> Iterator[str]:
    yield words("e.run", run=run.run)
    yield from labelled(words("instrument"), run.meter_serial)
    counted = words("e.intervals", intervals=run.intervals, remade=run.remade)
    yield from wrapped(counted, 2, 4)
    for label, cm3 in (
        ("base_main", run.base_main_cm3),
        ("base_error", run.base_error_cm3),
        ("line_main", run.line_main_cm3),
        ("line_error", run.line_error_cm3),
    ):
        yield from labelled(words(label), f"{decimal(cm3, -6)} m³")
    for (point, number), segment in list(run.segments.items())[:MAX_SHOWN]:
        rest = segment.booked - segment.main - segment.error
        figures = {"start": segment.start, "end": segment.end, "moved": segment.moved}
        shares = {"main": segment.main, "error": segment.error, "rest": rest}
        name = point if number == 0 else f"{point} #{number}"
        yield from wrapped(words("e.law", point=name, **figures, **shares), 2, 4)


def _proven(report: ExportReport, words: Words) -> Iterator[str]:
    """What holds in spite of any flaws is told by counts; the laws only where there is none."""
    yield from bullet(words("e.p.trees", uploads=report.uploads, leaves=report.leaves))
    runs = report.account.runs.values()
    intervals, remade = sum(run.intervals for run in runs), sum(run.remade for run in runs)
    yield from bullet(words("e.p.again", remade=remade, intervals=intervals))
    if not report.flaws:
        yield from bullet(words("e.p.law"))
        yield from bullet(words("e.p.keys"))
    if report.daily and not report.flaws:
        found = sorted(state.day for state in report.daily)
        told = words("e.p.daily", count=len(found), first=found[0], last=found[-1])
        yield from bullet(told)
    if report.account.repeated:
        yield from bullet(words("e.repeated", count=report.account.repeated))
    if report.account.of_old_image:
        yield from bullet(words("e.old_image", count=report.account.of_old_image))
    for leaf, epoch in report.account.epochs[:MAX_SHOWN]:
        reason = words(f"reason.{epoch.reason.value}")
        told = words("e.epoch", epoch=leaf.epoch, seq=leaf.seq, reason=reason)
        yield from bullet(told)
    if losses := report.account.losses:
        yield from bullet(words("e.p.loss", count=len(losses)))
        for leaf, loss in losses[:MAX_SHOWN]:
            yield from wrapped(f"- {_loss(leaf, loss, words)}", 4, 6)
        if len(losses) > MAX_SHOWN:
            yield from wrapped(f"- {words('e.more', count=len(losses) - MAX_SHOWN)}", 4, 6)


def _loss(leaf: Leaf, loss: Loss, words: Words) -> str:
    reason = words(f"reason.{loss.reason.value}")
    if loss.log is None:
        count = "?" if loss.count is None else loss.count
        return words("e.loss_count", seq=leaf.seq, reason=reason, count=count)
    place = {"log": loss.log.value, "epoch": loss.epoch, "first": loss.first, "last": loss.end - 1}
    return words("e.loss", seq=leaf.seq, reason=reason, **place)


def _not_proven(report: ExportReport, pinned: bool, words: Words) -> Iterator[str]:
    yield from bullet(words("n.meter"))
    if not pinned:
        yield from bullet(words("n.publisher"))
    for why, count in report.account.not_proven.most_common():
        told = words(f"e.why.{why}") if why in (ABSENT, HASHES_ONLY) else words.said(why)
        yield from bullet(words("e.n.scans", count=count, why=told))
    for run in report.account.runs.values():
        for point, before, after in islice(run.seams(), MAX_SHOWN):
            place = {"run": run.run, "point": point, "before": before, "after": after}
            yield from bullet(words("e.n.unseen", **place))
    for origin, hole in report.holes[:MAX_SHOWN]:
        told = words("e.hole_told" if _is_told(report, origin, hole) else "e.hole_untold")
        place = {"first": hole.first, "last": hole.end - 1, "origin": origin}
        yield from bullet(words("e.n.hole", told=told, **place))
    if len(report.holes) > MAX_SHOWN:
        yield from bullet(words("e.more", count=len(report.holes) - MAX_SHOWN))
    for origin, first, end in report.gaps():
        yield from bullet(words("e.n.between", origin=origin, first=first, last=end - 1))
    yield from bullet(words("e.n.outside"))


def _is_told(report: ExportReport, origin: Origin, hole: Hole) -> bool:
    """Whether loss leaves cover the hole, one or several together."""
    ranges = sorted(
        (loss.first, loss.end)
        for _, loss in report.account.losses
        if (loss.log, loss.epoch) == (origin.log, origin.epoch)
    )
    at = hole.first
    for first, end in ranges:
        if first <= at < end:
            at = end
    return at >= hole.end
