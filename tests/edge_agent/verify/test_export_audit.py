"""An export checked from its files: the whole, a part, with a hole, and flaw by flaw."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_agent.verify.export_audit import ExportReport, audit_export
from edge_agent.verify.folder import Unreadable
from protocols.evidence.errors import EvidenceError
from protocols.evidence.export_text import open_export, sign_export
from protocols.evidence.leaf import Log
from protocols.evidence.published import open_keys, sign_keys
from tests.central.proofs.site import Site, export_in, site_in
from tests.central.web import story

BILLING = "logs/billing-0-0.uploads"


def audit(place: Path) -> ExportReport:
    return audit_export(place, lambda _done, _uploads: None)


def test_the_whole_morning_is_proven(tmp_path: Path) -> None:
    """From size 0: all uploads, all leaves, all intervals made again, the first law."""
    done: list[tuple[int, int]] = []
    report = audit_export(export_in(tmp_path), lambda *counted: done.append(counted))
    assert report.flaws == []
    assert (report.uploads, report.leaves, report.expected) == (11, 1981, 11)
    assert done[-1] == (11, 11)
    run = report.account.runs[story.RUN]
    assert (run.intervals, run.remade) == (48, 48)
    assert (report.holes, list(report.gaps())) == ([], [])


def test_a_part_is_proven_from_the_frontier_before(tmp_path: Path) -> None:
    """With the configurations and maps of before, each with its own proof."""
    report = audit(export_in(tmp_path, part=True))
    assert report.flaws == []
    assert report.export.explained == 4
    assert {part.frontier.size for part in report.export.parts} == {20, 400}
    assert report.account.runs[story.RUN].remade == 28


def test_scans_of_which_only_hashes_are_held_are_no_flaw(tmp_path: Path) -> None:
    """The tree stands; what cannot be made again is counted."""
    report = audit(export_in(tmp_path, gone=range(500, 600)))
    assert report.flaws == []
    assert report.account.not_proven == {"scans_hashes": 3}
    ((origin, hole),) = report.holes
    assert (origin.log, hole.first, hole.end) == (Log.TELEMETRY, 500, 600)


def flip(place: Path, name: str, at: int) -> None:
    data = bytearray((place / name).read_bytes())
    data[at] ^= 4
    (place / name).write_bytes(data)


def swap(place: Path) -> None:
    """Two uploads of a part in the other order."""
    path = place / BILLING
    data = path.read_bytes()
    end = 4 + int.from_bytes(data[:4], "big")
    second = end + 4 + int.from_bytes(data[end : end + 4], "big")
    path.write_bytes(data[end:second] + data[:end] + data[second:])


def cut_off(place: Path) -> None:
    """The last upload and its checkpoint left out."""
    path = place / BILLING
    data, at = path.read_bytes(), 0
    while at + 4 + int.from_bytes(data[at : at + 4], "big") < len(data):
        at += 4 + int.from_bytes(data[at : at + 4], "big")
    path.write_bytes(data[:at])
    notes = place / "logs/billing-0-0.checkpoints"
    lines = notes.read_bytes().split(b"\n")
    notes.write_bytes(b"\n".join(lines[:-7]) + b"\n")


@pytest.mark.parametrize(
    ("damage", "file", "what"),
    [
        (lambda place: flip(place, BILLING, 2000), BILLING, "upload"),
        (lambda place: flip(place, BILLING, 3), BILLING, "upload"),
        (lambda place: flip(place, "logs/billing-0-0.checkpoints", 150), BILLING, "upload"),
        (lambda place: flip(place, "logs/telemetry-0-0.uploads", 3000),
         "logs/telemetry-0-0.uploads", "upload"),
        (swap, BILLING, "upload"),
        (cut_off, BILLING, "ends at leaf 50 after 5 uploads"),
    ],
)  # fmt: skip
def test_a_flaw_is_named_with_its_file(
    tmp_path: Path, damage: Callable[[Path], None], file: str, what: str
) -> None:
    """And what is behind it in the same file is not believed."""
    place = export_in(tmp_path)
    damage(place)
    report = audit(place)
    assert [(flaw.file, what in flaw.what) for flaw in report.flaws[:1]] == [(file, True)]


def test_an_explaining_leaf_that_is_damaged_or_gone_is_a_flaw(tmp_path: Path) -> None:
    """By its file's name; then the intervals lack a configuration or a map."""
    for number, harm in enumerate((lambda p: flip(p, "explained/0001.cbor", 60),
                                   lambda p: (p / "explained/0001.cbor").unlink())):  # fmt: skip
        place = export_in(tmp_path / f"{number}", part=True)
        harm(place)
        assert "explained/0001.cbor" in {flaw.file for flaw in audit(place).flaws}


def test_states_of_daily_checkpoints_are_compared(tmp_path: Path) -> None:
    """The newest of both logs stand in the day's; a part that ends before holds none of them."""
    report = audit(export_in(tmp_path))
    assert [(state.day, state.checkpoint.size) for state in report.daily] == [
        ("2026-03-11", 57), ("2026-03-11", 1924),
    ]  # fmt: skip
    part = audit(export_in(tmp_path / "part", part=True))
    assert [state.checkpoint.size for state in part.daily] == [1924]


def test_a_daily_checkpoint_that_holds_another_state_is_a_flaw(tmp_path: Path) -> None:
    """So is one that is damaged or missing."""
    place = export_in(tmp_path)
    flip(place, "daily/0000.txt", 60)
    (place / "daily/0001.tlog-proof").unlink()
    assert [flaw.file for flaw in audit(place).flaws] == ["daily/0000.txt", "daily/0001.txt"]
    other = export_in(tmp_path / "other", gone=range(500, 600))  # the same log, another publisher
    whole = export_in(tmp_path / "whole")
    cut_off(whole)
    (flaw, unmatched) = audit(whole).flaws
    assert "ends at leaf 50" in flaw.what
    assert (unmatched.file, "another state" in unmatched.what) == ("daily/0000.txt", True)
    shutil.copytree(other / "daily", place / "daily", dirs_exist_ok=True)
    assert len(audit(place).flaws) == 2


def test_what_is_not_whole_or_not_signed_is_refused(tmp_path: Path) -> None:
    """No contents, no keys; another's keys; contents of another gateway."""
    for name in ("keys.txt", "export.txt"):
        place = export_in(tmp_path / name)
        (place / name).unlink()
        with pytest.raises(Unreadable, match="not there"):
            audit(place)
        place = export_in(tmp_path / f"{name}-2")
        flip(place, name, 30)
        with pytest.raises(EvidenceError):
            audit(place)


def test_contents_of_another_gateway_are_refused(tmp_path: Path) -> None:
    """The same publisher's, beside the keys of this one."""
    site = site_in(tmp_path / "store")
    place = site.export(tmp_path / "export")
    site.store.close()
    contents = open_export((place / "export.txt").read_bytes(), site.keys.signer.verifier)
    parts = tuple(
        part._replace(origin=part.origin._replace(gateway="gw-2")) for part in contents.parts
    )
    other = sign_export(contents._replace(gateway="gw-2", parts=parts), site.keys.signer)
    (place / "export.txt").write_bytes(other)
    with pytest.raises(EvidenceError, match="export of gw-2 with the keys of gw-1"):
        audit(place)


def test_a_lying_gateway_is_found_out(tmp_path: Path) -> None:
    """An interval that does not follow from its scans, signed by the gateway and receipted."""
    site = _site_of_a_liar(tmp_path / "store")
    report = audit(site.export(tmp_path / "export"))
    site.store.close()
    assert report.flaws
    assert all(flaw.file == BILLING for flaw in report.flaws)
    assert "base_main_cm3: recorded" in report.flaws[0].what
    assert report.flaws[0].seq == 10


def _site_of_a_liar(directory: Path) -> Site:
    """The gateway adds one litre to the third interval before it signs."""
    from central.proofs.publisher import publisher_keys
    from central.store.database import create_store
    from protocols.evidence.leaf import Kind
    from tests.central.proofs.site import Cut, fill, receipt_key_file

    class Liar(Cut):
        def add(self, kind, subject, reference, at, body, quality=0):  # type: ignore[no-untyped-def]
            if kind is Kind.INTERVAL and len(self._waiting[Log.BILLING]) == 10:
                body = (*body[:13], body[13] + 1000, *body[14:])
            return super().add(kind, subject, reference, at, body, quality)

    store = create_store(directory)
    fill(store, Liar(story.GATEWAY))
    receipt_key_file(directory)
    return Site(store, publisher_keys(directory))


def test_keys_that_never_signed_it_are_a_flaw(tmp_path: Path) -> None:
    """A revocation before the first upload, and a publisher of his own making."""
    site = site_in(tmp_path / "store")
    place = export_in(tmp_path)
    keys = open_keys((place / "keys.txt").read_bytes())
    export = open_export((place / "export.txt").read_bytes(), keys.publisher.verifier)
    site.store.close()
    spans = tuple(span._replace(until=(0, 5)) for span in keys.logs.billing)
    revoked = keys._replace(
        logs=type(keys.logs)(spans, keys.logs.telemetry), publisher=site.keys.public
    )
    (place / "keys.txt").write_bytes(sign_keys(revoked, site.keys.signer))
    (place / "export.txt").write_bytes(sign_export(export, site.keys.signer))
    assert "revoked" in audit(place).flaws[0].what
    assert json.dumps([flaw._asdict() for flaw in audit(place).flaws])
