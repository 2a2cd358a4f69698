"""The probe: a request that no late answer can answer."""

from dataclasses import replace

import pytest

from protocols.modbus.answer import Damaged, check_answer
from protocols.modbus.frames import Request
from protocols.modbus.plan import plan
from protocols.modbus.probe import order_block, probe_block
from protocols.registers.library import load_profile, profile_ids


def asked_of(block):
    unit = 1 + block.bank
    return Request(unit, block.function, block.address, block.count, block.register_bytes)


@pytest.mark.parametrize("profile_id", profile_ids())
def test_every_profile_has_a_probe(profile_id):
    """For points alone and for all defaults, block and probe cannot answer one another."""
    profile = load_profile(profile_id)
    for names in (profile.default_points, *([point.name] for point in profile.points[::9])):
        blocks = plan(profile.points_of(names), profile)
        probe = probe_block(profile, blocks)
        assert probe is not None
        for block in blocks:
            for asked, late in ((probe, block), (block, probe)):
                answer = bytes((late.function, late.data_bytes)) + bytes(late.data_bytes)
                assert isinstance(check_answer(asked_of(asked), 1 + late.bank, answer), Damaged)


def test_the_order_register_is_the_probe_where_it_can_be():
    """One request puts the 3095FB in step and tells its order; not where it is polled alone."""
    profile = load_profile("rosemount-3095fb")
    blocks = plan([profile.point("static_pressure")], profile)
    assert probe_block(profile, blocks) == order_block(profile)
    alone = plan([profile.point("float_format")], profile)
    assert probe_block(profile, alone) != order_block(profile)
    assert order_block(load_profile("keller-33x")) is None


def test_polled_points_come_first():
    """A probe reads what is polled anyway, if that tells: the FLOWSIC's resolution register."""
    profile = load_profile("sick-flowsic500")
    blocks = plan(profile.points_of(profile.default_points), profile)
    probe = probe_block(profile, blocks)
    assert probe is not None
    assert (probe.address, probe.count) == (4100, 1)


def test_no_probe_is_possible():
    """A device of which one register is known has no request that tells."""
    keller = load_profile("keller-33x")
    lone = replace(keller, points=keller.points[:1])
    assert probe_block(lone, plan(lone.points, lone)) is None
