"""Which configuration is looked at."""

from __future__ import annotations

from edge_agent.doctor.config_look import find_config
from tests.edge_agent.doctor.site_rig import Scene, Unit, site
from tests.edge_agent.gateway import TOML, wait_until, write_ca


def test_the_file_itself(tmp_path) -> None:
    """Where it has no fault; a faulty one of a gateway that never ran tells its faults alone."""
    write_ca(tmp_path)
    path = tmp_path / "gateway.toml"
    path.write_text(TOML)
    found = find_config(path)
    assert found.config is not None
    assert (found.faults, found.is_earlier) == ((), False)
    path.write_text(TOML.replace("unit = 2", "unit = 999"))
    found = find_config(path)
    assert found.config is None
    assert len(found.faults) == 1


def test_a_torn_file_under_a_running_agent(tmp_path) -> None:
    """Its fault is told, with what runs; and the buses are looked at all the same."""
    scene = Scene("line", (Unit(1), Unit(7, served=False)))
    with site(tmp_path, [scene], 4.0) as found:
        whole = found.path.read_bytes()
        found.path.write_bytes(whole[: len(whole) // 2] + b"\n[[bus")
        assert wait_until(lambda: {one.code for one in found.examine()} >= {"unit_dead"}, 20)
        codes = [(one.code, one.light) for one in found.findings]
        found.path.write_bytes(whole)
    assert codes == [
        ("config_fault", "bad"), ("unit_dead", "bad"), ("config_older_runs", "warning"),
    ]  # fmt: skip
