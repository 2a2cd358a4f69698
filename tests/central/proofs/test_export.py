"""An export is written byte for byte, and its contents last."""

from pathlib import Path

import pytest
from sqlalchemy import select

from central.proofs.export import write_export
from central.proofs.export_scope import Scope
from central.proofs.prove import ProofError
from central.store.log_tables import batch
from protocols.evidence.export_text import open_export
from protocols.evidence.published import open_keys
from tests.central.proofs.site import MADE_S, site_in
from tests.central.web import story


def test_uploads_are_written_as_they_were_stored(tmp_path: Path) -> None:
    """Each behind its length; with keys, contents and a README in both languages."""
    site = site_in(tmp_path / "store")
    done: list[tuple[int, int]] = []
    scope = Scope(story.GATEWAY, 0, story.END_MS + 1, MADE_S)
    out = tmp_path / "export"
    made = write_export(site.store, site.keys, scope, out, lambda *one: done.append(one))
    assert (made.uploads, done[-1]) == (11, (11, 11))
    keys = open_keys((out / "keys.txt").read_bytes())
    assert open_export((out / "export.txt").read_bytes(), keys.publisher.verifier) == made.export
    with site.store.engine.connect() as conn:
        rows = conn.scalars(
            select(batch.c.upload).where(batch.c.log == "billing").order_by(batch.c.first)
        ).all()
    framed = b"".join(len(row).to_bytes(4, "big") + row for row in rows)
    assert (out / "logs/billing-0-0.uploads").read_bytes() == framed
    readme = (out / "README.txt").read_text()
    assert "not what the meter showed" in readme
    assert "燃气" in readme
    site.store.close()


def test_it_is_written_into_a_new_folder_only(tmp_path: Path) -> None:
    """And there is something to write."""
    site = site_in(tmp_path / "store")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    with pytest.raises(ProofError, match="not empty"):
        site.export(tmp_path / "full")
    with pytest.raises(ProofError, match="nothing in that range"):
        site.export(tmp_path / "none", 5, 6)
    assert not (tmp_path / "none").exists()
    site.store.close()
