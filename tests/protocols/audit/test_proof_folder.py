"""A folder with a proof: what it must hold, and that each part explains just this leaf."""

import pytest

from protocols.audit.proof_folder import FILES, check_proof, pair
from protocols.evidence.errors import EvidenceError, Malformed
from protocols.evidence.leaf import Kind
from tests.central.proofs.site import proof_of
from tests.central.web import story

INTERVAL, SCAN = proof_of(Kind.INTERVAL), proof_of(Kind.SCAN)


def test_an_interval_comes_with_its_configuration_and_the_meters_map() -> None:
    """Figures, the instrument, and by which leaves they are read."""
    report = check_proof(INTERVAL)
    assert report.leaf.kind is Kind.INTERVAL
    assert report.instrument == "M-100"
    assert report.explanation.config == story.CONFIG
    assert report.explanation.register_map == story.METER
    assert [one.leaf.kind for one in report.explained_by] == [
        Kind.CONFIGURATION, Kind.REGISTER_MAP,
    ]  # fmt: skip
    assert {figure.label for figure in report.figures} > {"base_main", "pressure", "index_end"}
    assert set(INTERVAL) == set(FILES)


def test_a_scan_comes_with_its_map() -> None:
    """Its values with the instrument's own units."""
    report = check_proof(SCAN)
    assert report.instrument == "T-300"
    assert [f.unit for f in report.figures if f.label == "value"] == ["°F"]


def test_without_what_explains_it_a_leaf_is_still_proven() -> None:
    """Then its figures have no units."""
    names = {*pair("leaf"), "keys.txt"}
    report = check_proof({name: SCAN[name] for name in names})
    assert [f.label for f in report.figures] == ["quality", "raw"]
    assert report.explained_by == ()


@pytest.mark.parametrize("name", sorted(FILES))
def test_half_of_a_pair_is_missed_by_name(name: str) -> None:
    """No file is left out unsaid."""
    with pytest.raises(Malformed, match="not there"):
        check_proof({key: data for key, data in INTERVAL.items() if key != name})


def test_what_explains_another_leaf_is_refused() -> None:
    """A scan with the meter's map, a scan with a configuration, a map in the leaf's place."""
    map_files = {name: INTERVAL[name] for name in pair("map")}
    with pytest.raises(EvidenceError, match="register map"):
        check_proof({**SCAN, **map_files, "keys.txt": INTERVAL["keys.txt"]})
    configuration = {name: INTERVAL[name] for name in pair("configuration")}
    with pytest.raises(EvidenceError, match="configuration"):
        check_proof({**SCAN, **configuration, "keys.txt": INTERVAL["keys.txt"]})
