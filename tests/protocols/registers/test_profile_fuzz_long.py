"""Ten minutes of broken profile files and of registers full of garbage; `make test-long`."""

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocols.registers.codec import assemble, decode_scan
from protocols.registers.library import load_profile, profile_ids
from protocols.registers.point import MAX_SCAN_WORDS, ORDERS
from protocols.registers.register_map import RegisterMap
from tests.protocols.registers.test_profile_fuzz import broken_texts, checked, wrong_values

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]
LONG = {"suppress_health_check": list(HealthCheck), "database": None}


@given(broken_texts() | wrong_values())
@settings(max_examples=160_000, **LONG)
def test_checker(text):
    """No file crashes or hangs the checker."""
    checked(text)


@given(st.sampled_from(profile_ids()), st.sampled_from([None, *ORDERS]), st.binary(max_size=64))
@settings(max_examples=150_000, **LONG)
def test_decoder(profile_id, order, data):
    """No registers of any instrument make a value that is no finite number."""
    profile = load_profile(profile_id)
    names = [p.name for p in profile.points if p.words <= MAX_SCAN_WORDS][:200]
    map_ = RegisterMap.of(profile, [*names, *(one.name for one in profile.composites)], order)
    data = data or b"\x00"
    raws, at = [], 0
    for point in map_.points:
        words = [data[(at + i) % len(data)] << 8 | data[i % len(data)] for i in range(point.words)]
        raws.append(assemble(point, [word & 1 for word in words] if point.type == "bit" else words))
        at += 2 * point.words
    for number, _unit in decode_scan(map_, raws).values():
        assert number is None or math.isfinite(number)
