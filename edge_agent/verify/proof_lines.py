"""A proof in words: the record, what was proven, what was not, by which keys."""

from __future__ import annotations

from collections.abc import Iterator

from edge_agent.language import Words
from edge_agent.terminal import labelled, printable, utc, wrapped
from protocols.audit.bodies import interval_of
from protocols.audit.figures import Figure, decimal
from protocols.audit.proof_folder import ProofReport
from protocols.evidence.leaf import Kind
from protocols.evidence.published import Publisher
from protocols.metering.instant import Instant

_UNITS = {"m3": "m³", "MJ/m3": "MJ/m³", "degC": "°C"}


def proof_lines(report: ProofReport, pinned: bool, words: Words) -> Iterator[str]:
    """All lines, at most 80 columns each. ``pinned``: the publisher is the one that was given."""
    leaf = report.leaf
    yield words("title", state=words("proven"), what=words(f"kind.{leaf.kind.name}"))
    yield ""
    yield from _record(report, words)
    yield ""
    for figure in report.figures:
        yield from _figure(figure, words)
    yield ""
    yield words("what_was")
    for text in _proven(report, words):
        yield from bullet(text)
    yield ""
    yield words("what_was_not")
    for text in _not_proven(report, pinned, words):
        yield from bullet(text)
    yield ""
    yield words("keys")
    yield from publisher_lines(report.keys.publisher, pinned, words)
    stored = report.proven.stored
    for label, key in (("k.log", stored.log_key), ("k.receipt", stored.receipt_key)):
        yield from labelled(words(label), f"{key.name}+{key.key_id.hex()}")


def bullet(text: str) -> list[str]:
    """One point of a list."""
    return wrapped(f"- {text}", 2, 4)


def publisher_lines(publisher: Publisher, pinned: bool, words: Words) -> Iterator[str]:
    """Who published the keys, and the fingerprint in groups to be compared by eye."""
    name = publisher.verifier.name
    told = f"{name} ({words('k.pinned')})" if pinned else name
    yield from labelled(words("k.publisher"), told)
    groups = grouped(publisher.fingerprint).split(" ")
    for at in range(0, len(groups), 8):
        yield from labelled("", " ".join(groups[at : at + 8]))


def grouped(fingerprint: str) -> str:
    """Hex digits by fours."""
    return " ".join(fingerprint[at : at + 4] for at in range(0, len(fingerprint), 4))


def _record(report: ProofReport, words: Words) -> Iterator[str]:
    leaf = report.leaf
    yield from labelled(words("gateway"), leaf.gateway)
    place = words("place_of", log=leaf.kind.log.value, epoch=leaf.epoch, seq=leaf.seq)
    yield from labelled(words("place"), place)
    if leaf.was is not None:
        repeated = words("repeated", seq=leaf.was.seq, epoch=leaf.was.epoch)
        yield from labelled("", repeated)
    if leaf.kind is Kind.INTERVAL:
        yield from labelled(words("run"), leaf.subject)
    elif leaf.subject and not report.instrument:
        yield from labelled(words("subject"), leaf.subject)
    if report.instrument:
        register_map = report.explanation.register_map
        profile = f" ({register_map.profile})" if register_map else ""
        yield from labelled(words("instrument"), report.instrument + profile)
    if leaf.kind is Kind.INTERVAL:
        record = interval_of(leaf)
        yield from _instant(words("begins"), record.start, words)
        yield from _instant(words("ends"), record.end, words)
    recorded = Instant(leaf.boot_no, leaf.mono_ms, leaf.utc_ms, leaf.clock_state)
    yield from _instant(words("recorded"), recorded, words)
    yield from labelled(words("received"), utc(1000 * report.proven.stored.received_s))


def _instant(label: str, instant: Instant, words: Words) -> Iterator[str]:
    clock = words.get(f"clock.{int(instant.clock_state)}", f"{instant.clock_state}")
    boot = words("boot", boot_no=instant.boot_no, seconds=decimal(instant.mono_ms, -3))
    if instant.utc_ms is None:
        yield from labelled(label, f"{words('no_utc')}; {boot}")
    else:
        yield from labelled(label, f"{utc(instant.utc_ms)}, {clock}")


def _figure(figure: Figure, words: Words) -> list[str]:
    label = words.get(figure.label, figure.label)
    if figure.label in ("value", "raw", "field"):
        label = figure.subject
    elif figure.subject:
        label = f"{label}, {printable(figure.subject)}"
    unit = _UNITS.get(figure.unit, figure.unit)
    return labelled(label, f"{figure.value} {unit}" if unit else figure.value)


def _proven(report: ProofReport, words: Words) -> Iterator[str]:
    yield words("p.recorded")
    yield words("p.received", time=utc(1000 * report.proven.stored.received_s))
    yield words("p.keys")
    explanation = report.explanation
    used = [
        words(name)
        for name, part in (("config", explanation.config), ("map", explanation.register_map))
        if part is not None
    ]
    if used:
        yield words("p.units", what=words("and").join(used))


def _not_proven(report: ProofReport, pinned: bool, words: Words) -> Iterator[str]:
    leaf = report.leaf
    yield words("n.meter")
    if not pinned:
        yield words("n.publisher")
    if leaf.utc_ms is None or leaf.clock_state != 2:
        yield words("n.clock", time=utc(1000 * report.proven.stored.received_s))
    if leaf.kind is Kind.SCAN and report.explanation.register_map is None:
        yield words("n.units")
    yield words("n.other")
