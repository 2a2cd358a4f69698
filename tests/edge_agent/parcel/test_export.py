"""The parcel's file; what goes into it in test_parser.py."""

from __future__ import annotations

from pathlib import Path

from edge_agent.parcel.export import write_parcel
from protocols.evidence.parcel import ParcelKey

KEY = ParcelKey(bytes(range(1, 33)))


def test_a_link_beside_it_is_not_written_through(tmp_path: Path) -> None:
    """Root exports into a folder of others: the name of the half file is known before."""
    (tmp_path / ".parcel.part").symlink_to(tmp_path / "passwd")
    (tmp_path / "passwd").write_text("root")
    size = write_parcel(tmp_path / "parcel", "gw-1", KEY, iter(()))
    assert (tmp_path / "parcel").stat().st_size == size
    assert (tmp_path / "passwd").read_text() == "root"
