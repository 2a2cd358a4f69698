"""gateway.toml is changed as a person would, and in nothing else."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

import edge_agent
from edge_agent.acts.toml_edit import CannotEdit, Edit, Number, edited

TEXT = """# top
[gateway]
id = "gw-1"

[change]                              # who
by = "Wu"                             # his name

[[device]]
name = "meter-1"
serial = "M1"                         # name plate
[[device]]
name = "meter-2"
serial = "M1"

[[run]]
id = "R1"                             # boiler
meter = "meter-1"
base = { temperature_c = 20.0 }

[run.pressure]
device = "p"

[run.meter_change]
old_serial = "M0"
by = "Wu"

# the second
[[run]]
id = "R2"
"""


def test_a_value_is_replaced_and_its_remark_stays() -> None:
    """Only in the table of that name."""
    found = edited(TEXT, [Edit("device", ("name", "meter-2"), "serial", "M2")])
    assert found == TEXT.replace('"meter-2"\nserial = "M1"', '"meter-2"\nserial = "M2"')
    found = edited(TEXT, [Edit("device", ("name", "meter-1"), "serial", "M2")])
    assert 'serial = "M2"                         # name plate' in found


def test_a_missing_value_comes_below_the_name() -> None:
    """In the run's own lines, above its sub-tables."""
    found = edited(TEXT, [Edit("run", ("id", "R1"), "temporary_meter", True)])
    assert 'id = "R1"                             # boiler\ntemporary_meter = true\n' in found
    assert tomllib.loads(found)["run"][0]["temporary_meter"] is True


def test_a_subtable_gives_way_to_a_line() -> None:
    """A meter change is written anew; the other sub-tables and runs stay."""
    change = {"old_serial": "M1", "old_end_index_m3": Number("12.340"), "by": '李 "W"'}
    found = edited(TEXT, [Edit("run", ("id", "R1"), "meter_change", change)])
    table = tomllib.loads(found)["run"]
    assert table[0]["meter_change"] == {**change, "old_end_index_m3": 12.34}
    assert table[0]["pressure"] == {"device": "p"}
    assert [run["id"] for run in table] == ["R1", "R2"]
    again = edited(found, [Edit("run", ("id", "R1"), "meter_change", {"by": "Li"})])
    assert tomllib.loads(again)["run"][0]["meter_change"] == {"by": "Li"}


def test_a_table_of_its_own() -> None:
    """Changed where it is, made where it is not."""
    found = edited(TEXT, [Edit("change", None, "by", "Li"), Edit("change", None, "reason", "r")])
    assert tomllib.loads(found)["change"] == {"by": "Li", "reason": "r"}
    assert "# his name" in found
    made = edited('x = 1\n[gateway]\nid = "a"\n', [Edit("change", None, "by", "Li")])
    assert tomllib.loads(made)["change"] == {"by": "Li"}


@pytest.mark.parametrize(
    "text",
    [
        'device = [ { name = "meter-1", serial = "M1" } ]\n',
        '[[device]]\nname = "meter-1"\nserial = """\nM1"""\n',
        "[[device]]\nname = 'meter-1'\nserial = 'M1'\n",
        '[[device]]\nname = "other"\n',
        '[[device]]\nname = "meter-1"\n"serial" = "M1"\n',
        "[[device",
    ],
)
def test_another_way_of_writing_is_left_alone(text: str) -> None:
    """And the remedy is told."""
    with pytest.raises(CannotEdit, match=r'by hand: \[\[device\]\] meter-1: serial = "M2"'):
        edited(text, [Edit("device", ("name", "meter-1"), "serial", "M2")])


def test_the_example_can_be_edited() -> None:
    """All that a replacement changes, in the file that everybody begins with."""
    text = (Path(edge_agent.__file__).parent / "gateway.example.toml").read_text(encoding="utf-8")
    found = edited(
        text,
        [
            Edit("device", ("name", "meter-2"), "serial", "99"),
            Edit("run", ("id", "R2"), "meter_change", {"old_serial": "21450302"}),
            Edit("run", ("id", "R1"), "temporary_meter", True),
            Edit("regulator", ("id", "PR1"), "set_kpa_gauge", Number("21.5")),
            Edit("change", None, "by", "Li"),
        ],
    )
    assert len(found.splitlines()) == len(text.splitlines()) + 4
