"""The guide's example is what the guide says of it."""

import re
from pathlib import Path

import pytest

from protocols.registers.codec import decode_scan
from protocols.registers.profile import ProfileErrors
from protocols.registers.profile_file import parse_profile
from protocols.registers.register_map import RegisterMap

GUIDE = Path(__file__).parents[3] / "protocols" / "registers" / "WRITING.md"
EXAMPLE = re.search(r"```toml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)[1]


def test_the_one_fault_of_the_example():
    """The check finds what the guide says that it finds, and nothing else."""
    with pytest.raises(ProfileErrors) as caught:
        parse_profile(EXAMPLE, "x.toml")
    (fault,) = caught.value.faults
    assert fault.startswith("atomic: vm_raw, total_digits: registers between them are no points")


def test_the_example_with_its_remedy():
    """With the gap allowed it is a profile whose total and pressure come out right."""
    profile = parse_profile(f"max_gap = 2\n{EXAMPLE}", "x.toml")
    map_ = RegisterMap.of(profile, profile.default_points)
    assert [(p.name, p.address) for p in map_.points] == [
        ("flow_line", 4),
        ("pressure", 33),
        ("error_code", 22),
        ("vm_raw", 8),
        ("total_digits", 12),
    ]
    values = decode_scan(map_, (0x42C88000, 101_325, 3, 123_456, 2))
    assert values["vm"] == (12_345_600, "0.0001m3")
    assert values["pressure"] == (101.325, "psi")


def test_the_guide_is_under_two_pages():
    """Short enough to be read: at most 120 lines."""
    assert len(GUIDE.read_text(encoding="utf-8").splitlines()) <= 120
