"""The whole schema: what a full profile says, and each fault of each section, by line."""

import pytest

from protocols.registers.archive import Ring
from protocols.registers.clock import Clock
from protocols.registers.codec import decode_scan
from protocols.registers.command import Status, Step, Write
from protocols.registers.composite import Composite, Part
from protocols.registers.profile import Limits, Link, ProfileErrors, Range
from protocols.registers.profile_file import parse_profile
from protocols.registers.register_map import RegisterMap

FULL = """format = 1
id = "full"
vendor = "V"
model = "M"
kind = "corrector"
confidence = "low"
note = "all of the schema"
default_points = ["vb", "flow", "door"]
address_base = 1
dialect = "enron"
max_registers = 60
max_gap = 2
max_data_bytes = 120
even_counts = true
last_register = 9000
hole_codes = [1]
min_poll_seconds = 30
ranges = [{ first = 5001, last = 5999, register_bytes = 4 }]
atomic = [["low", "over"], ["over", "more"]]
composites = [
    { name = "vb", unit = "m3", resolution = "1", wraps_at = "1000000000", parts = [
        { point = "low", below = "4294967296" }, { point = "over", weight = "4294967296" },
    ], note = "low and overflow" },
]
points = [
    { name = "low", address = 101, type = "u32", kind = "counter" },
    { name = "over", address = 103, type = "u16", order = "BADC" },
    { name = "more", address = 104, type = "u16", bits = [0, 7], values = { 0 = "off", 1 = "on" } },
    { name = "less", address = 104, type = "u16", bits = [8, 15], flags = { 0 = "run" } },
    { name = "flow", address = 111, type = "f32", decimals_point = "over", unit_point = "code", units = { 1 = "m3/h" } },
    { name = "code", address = 113, type = "u16", kind = "setting" },
    { name = "wide", address = 5001, type = "f32", unit = "bar" },
    { name = "set", address = 121, type = "f32", write = { function = 16, low = "0", high = "4" } },
    { name = "door", function = 2, address = 1, type = "bit", kind = "status" },
    { name = "time", address = 131, type = "u48", kind = "clock", bank = 3 },
    { name = "size", address = 141, type = "u16" },
]

[point_defaults]
function = 3
order = "ABCD"

[link]
baud = 19200
modes = ["rtu", "ascii"]
frame_gap_ms = 30

[base_probe]
function = 3
address = 1201
outcomes = [{ value = 0, shift = -1 }, { exception = 2, shift = 0 }]

[clock]
format = "binary"
points = ["time"]
zone = "utc"

[[commands]]
name = "snap"
kind = "snapshot"
steps = [{ function = 6, address = 71, words = [20000] }, { function = 16, address = 72, words = [1], argument = [0, 9] }]
status = { function = 3, address = 73, good = [0], failed = { 9 = "bad" } }
timeout_ms = 500
freezes = ["low"]
one_master = true

[[archives]]
name = "hours"
method = "enron"
address = 702
newest_point = "size"
period_seconds = 3600
capacity = 100
clock = { format = "mmddyy-hhmmss", points = ["date", "at"] }
fields = [
    { name = "date", type = "f32" }, { name = "at", type = "f32" },
    { name = "kind", type = "u16", bits = [0, 7] }, { name = "on", at = 4, type = "u16", bits = [8, 15] },
]

[[archives]]
name = "ring"
method = "ring"
address = 8193
period_seconds = 0
newest_point = "size"
ring = { header_registers = 16, size_points = ["size"], width_point = "code", columns = { 7 = "flow" } }

[[sources]]
title = "a manual"
"""  # noqa: E501 - lines as people write them


def test_full_profile():
    """Every section is read into its value, addresses as they are on the wire."""
    profile = parse_profile(FULL, "full.toml")
    assert profile.point("low").address == 100
    assert profile.point("door").address == 0
    assert profile.point("wide").register_bytes == 4
    assert profile.point("time").bank == 3
    assert profile.banks == 4
    assert profile.ranges == (Range(5000, 5998, 4),)
    assert profile.limits == Limits(120, True, False, False, 9000, (1,))
    assert (profile.max_registers, profile.max_gap, profile.min_poll_s) == (60, 2, 30)
    assert profile.link == Link(19200, "N", 1, ("rtu", "ascii"), 30)
    assert profile.atomic == (("low", "over", "more"),)
    assert profile.writes == {"set": Write(16, "0", "4")}
    assert profile.clock == Clock("binary", ("time",), "utc")
    assert profile.notes == {"vb": "low and overflow"}
    assert profile.names[-1] == "vb"
    assert profile.composite("vb") == Composite(
        "vb",
        (Part("low", below="4294967296"), Part("over", "4294967296")),
        "1",
        "m3",
        "counter",
        "1000000000",
    )
    assert profile.composite("low") is None


def test_full_commands_and_archives():
    """Commands and archives are read whole, their addresses on the wire too."""
    profile = parse_profile(FULL, "full.toml")
    (snap,) = profile.commands
    assert snap.steps == (Step(6, 70, (20000,)), Step(16, 71, (1,), (0, 9)))
    assert snap.status == Status(3, 72, (0,), ((9, "bad"),))
    assert (snap.freezes, snap.one_master, snap.timeout_ms) == (("low",), True, 500)
    hours, ring = profile.archives
    assert (hours.address, hours.newest_point, hours.period_s) == (701, "size", 3600)
    assert [field.address for field in hours.fields] == [0, 2, 4, 4]
    assert ring.ring == Ring(16, ("size",), "code", ((7, "flow"),))
    probe = profile.base_probe
    assert (probe.address, probe.shift(0, None), probe.shift(None, 2), probe.shift(5, None)) == (
        1200,
        -1,
        0,
        None,
    )


def test_a_scan_has_what_it_needs():
    """The map of a scan has the parts of its composites and the points that scale others."""
    profile = parse_profile(FULL, "full.toml")
    map_ = RegisterMap.of(profile, profile.default_points, shift=1)
    assert [p.name for p in map_.points] == ["flow", "door", "low", "over", "code"]
    assert [p.address for p in map_.points] == [111, 1, 101, 103, 113]
    values = decode_scan(map_, (0x42C80000, 1, 7, 1, 1))
    assert values["flow"] == (10.0, "m3/h")
    assert values["vb"] == (None, "m3")  # beyond its modulus of 10^9
    assert decode_scan(map_, (0, 1, 7, 0, 1))["vb"] == (7, "m3")
    assert RegisterMap.from_body(map_.to_body()) == map_


@pytest.mark.parametrize(
    ("old", "new", "line", "fault"),
    [
        ("address_base = 1", "address_base = 2", 9, "address_base: must be 0"),
        ('dialect = "enron"', 'dialect = "odd"', 10, "dialect: must be one of"),
        ('dialect = "enron"', 'dialect = "modbus"', 18, 'ranges: needed by dialect = "enron"'),
        ("max_registers = 60", "max_registers = 1", 11, "max_registers: 1 must be 3..125"),
        ("max_data_bytes = 120", "max_data_bytes = 2", 13, "max_data_bytes: must be 6..250"),
        ("even_counts = true", "even_counts = 1", 14, "even_counts: must be bool"),
        ("even_counts = true", "whole_values = true", 12, "max_gap: must be 0 where"),
        ("even_counts = true", "single_values = true", 19, "atomic: low, over, more: the device"),
        ("last_register = 9000", "last_register = 70000", 15, "last_register: must be"),
        ("last_register = 9000", "last_register = 139", 36, "points[10].address: size ends"),
        ("hole_codes = [1]", "hole_codes = [0]", 16, "hole_codes: must be exception codes"),
        ("hole_codes = [1]", "hole_codes = [true]", 16, "hole_codes: must be integers within"),
        ("min_poll_seconds = 30", "min_poll_seconds = -1", 17, "min_poll_seconds: must be"),
        ("last = 5999", "last = 5000", 18, "ranges[0]: needs"),
        ("last = 5999", f"last = 0x{'f' * 5000}", 18, "ranges[0].last: must be within 64 bits"),
        ("bits = [8, 15]", f"bits = [8, 0x{'f' * 5000}]", 29, "points[3].bits: must be integers"),
        ('["vb", "flow", "door"]', f"[0x{'f' * 5000}]", 8, "default_points: a int is no point"),
        ("outcomes = [{ value = 0, shift = -1 },", "outcomes = [] #", 51, "base_probe.outcomes:"),
        ("register_bytes = 4", "register_bytes = 3", 18, "ranges[0]: needs"),
        ('["over", "more"]', '["over", "none"]', 19, "atomic[1]: 'none' is no point"),
        ('["over", "more"]', '["over", "code"]', 19, "atomic: low, over, code: registers between"),
        ('["over", "more"]', '["over", "door"]', 19, "atomic: low, over, door: are not of one"),
        ("max_registers = 60", "max_registers = 3", 19, "atomic: low, over, more: 4 registers"),
        ('resolution = "1"', 'resolution = "0"', 21, "composites[0].resolution"),
        ('{ point = "low", below', '{ point = "lo", below', 21, "composites[0].parts: vb: needs"),
        ('weight = "4294967296"', "weight = 5", 22, "composites[0].parts[1].weight: must be str"),
        ('name = "vb"', 'name = "set"', 21, "composites[0]: set appears twice"),
        ("bits = [8, 15]", "bits = [7, 15]", 29, "points[3]: more and less overlap at 103"),
        ("bits = [8, 15]", "bits = [8, 16]", 29, "points[3].bits: must be"),
        ('1 = "on"', 'x = "on"', 28, "points[2].values.x: the code must be an integer"),
        ('1 = "on"', "1 = 1", 28, "points[2].values.1: must be str"),
        ('decimals_point = "over"', 'decimals_point = "ove"', 30, "points[4].flow: needs 'ove'"),
        (
            'decimals_point = "over"',
            'decimals_point = "over", scale_point = "code"',
            30,
            "points[4].decimals_point: a value has one factor",
        ),
        ("units = { 1", "unites = { 1", 30, "points[4].unites: unknown key"),
        ('high = "4"', 'high = "-4"', 33, "points[7].write: low 0 is above"),
        ('function = 16, low = "0", high', "function = 3, high", 33, "points[7].write.function 3"),
        ('type = "bit"', 'type = "u16"', 34, "points[8].function 2: must be 3 or 4"),
        ("bank = 3", "bank = 16", 35, "points[9].bank 16"),
        ("baud = 19200", "baud = 19201", 44, "link.baud"),
        ('"ascii"]', '"morse"]', 45, "link.modes: must be of"),
        ("frame_gap_ms = 30", "frame_gap_ms = 3000", 46, "link.frame_gap_ms"),
        ("{ value = 0, shift", "{ shift", 51, "base_probe.outcomes[0].shift: needs a value"),
        ('points = ["time"]\nzone', 'points = ["tim"]\nzone', 55, "clock.points: 'tim' is no"),
        ('zone = "utc"', 'zone = "mars"', 56, "clock.zone"),
        ('kind = "snapshot"', 'kind = "other"', 60, "commands[0].kind"),
        ("words = [20000]", "words = [70000]", 61, "commands[0].steps: words"),
        ("good = [0]", "good = []", 62, "commands[0].status: good"),
        ('freezes = ["low"]', 'freezes = ["x"]', 64, "commands[0].freezes: 'x' is no point"),
        ('method = "enron"', 'method = "x"', 69, "archives[0].method"),
        ('newest_point = "size"\nper', 'newest_point = "x"\nper', 71, "archives[0].newest_point"),
        ('points = ["date", "at"]', 'points = ["date"]', 74, "archives[0].clock.points: mmddyy"),
        ('"at", type = "f32"', '"at", type = "f33"', 76, "archives[0].fields[1].type"),
        ("at = 4, type", "at = -4, type", 77, "archives[0].fields[3].address -4"),
        ('width_point = "code"', 'width_point = "x"', 86, "archives[1].ring.width_point: 'x'"),
        ('7 = "flow"', '7 = "x"', 86, "archives[1].ring.columns: 'x' is no point"),
    ],
)
def test_faults_by_line_and_field(old, new, line, fault):
    """Each fault is told by the line of its key, and by its field."""
    assert FULL.count(old) >= 1, old
    with pytest.raises(ProfileErrors) as caught:
        parse_profile(FULL.replace(old, new, 1), "full.toml")
    assert any(m.startswith(f"full.toml:{line}: {fault}") for m in caught.value.messages), str(
        caught.value
    )


RANGES = ", ".join(f"{{ first = {n}, last = {n}, register_bytes = 4 }}" for n in range(6000, 6040))
SNAP = FULL[FULL.index("[[commands]]") : FULL.index("[[archives]]")]
HOURS = FULL[FULL.index("[[archives]]") : FULL.index('[[archives]]\nname = "ring"')]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (FULL.replace("last = 5999", "last = 5999, x = 1"), "ranges[0].x: unknown key"),
        (
            FULL.replace("register_bytes = 4 }]", "register_bytes = 4 }, " + RANGES + "]"),
            "ranges: at most 32",
        ),
        (
            FULL.replace(
                "register_bytes = 4 }]",
                "register_bytes = 4 }, { first = 5999, last = 6000, register_bytes = 4 }]",
            ),
            "ranges: overlap",
        ),
        (FULL.replace("[8, 15]", "[" + "1, " * 65 + "]"), "points[3].bits: must be a list of"),
        (FULL.replace('["low", "over"]', '"low"'), "atomic[0]: must be a list of names"),
        (
            FULL.replace("atomic = [", "atomic = [" + '["low"], ' * 33),
            "atomic: at most 32 groups",
        ),
        (
            FULL.replace("failed = { 9", "failed = 9, fail = { 9"),
            "commands[0].status.failed: must be dict",
        ),
        (
            FULL.replace("composites = [", "composites = [" + '{ name = "c" }, ' * 65),
            "composites: at most 64",
        ),
        (FULL + "[expected]\ncode = 70000\n", "expected.code: must be a register value"),
        (FULL + SNAP, "commands[1].name: snap appears twice"),
        (FULL + SNAP * 64, "commands: at most 64"),
        (FULL + HOURS * 32, "archives: at most 32"),
        (
            FULL.replace('decimals_point = "over"', 'decimals_point = "flow"'),
            "points[4].'flow': no name of another point",
        ),
        (
            FULL.replace('point = "over", weight', 'point = "over", scale_point = "flow", weight'),
            "composites[0].parts: vb: flow must be a number that needs no other point",
        ),
    ],
)
def test_faults_of_bounds_and_references(text, fault):
    """Everything is bounded, and refers to what stands for itself."""
    with pytest.raises(ProfileErrors) as caught:
        parse_profile(text, "full.toml")
    assert any(found.startswith(fault) for found in caught.value.faults), caught.value.faults


def test_syntax_is_told_with_its_line():
    """What is no TOML is told as tomllib tells it, with line and column."""
    with pytest.raises(ProfileErrors, match=r"x\.toml: no TOML: .*line 2, column 5"):
        parse_profile("a = 1\nb = =", "x.toml")
