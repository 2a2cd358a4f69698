"""Roots, exponentials and powers that have the same bits on every processor.

Central computes each interval again and must agree to the last digit, but the pow, exp, log and
cbrt of two C libraries differ in the last bit. So these are made of what IEEE 754 and exactness
fix: + - * /, frexp, ldexp and floor. Errors stay below 1 ulp (exp, log) and about 1e-15 (power),
proven against mpmath. A NaN, or an argument outside the domain, is a ValueError; a result too
large for a double is an OverflowError, one too small is 0.0.
"""

from __future__ import annotations

import math
from typing import Final

# ln 2 in two parts: the first has 32 bits, so that its product with any exponent is exact
_LN2_HIGH: Final = 0.6931471803691238
_LN2_LOW: Final = 1.9082149292705877e-10
_INV_LN2: Final = 1.4426950408889634

_EXP_HIGHEST: Final = 709.782712893384  # ln of the largest double
_EXP_LOWEST: Final = -745.2  # below it e^x is less than half the smallest double

_SPLIT: Final = 134217729.0  # 2^27 + 1: cuts a double into two halves of 26 bits (Dekker)
_SQRT_HALF: Final = 0.7071067811865476


def cube_root(a: float) -> float:
    """The cube root of a >= 0 by Newton's rule."""
    if not 0.0 <= a < math.inf:
        raise ValueError(f"cube root of {a}")
    if a == 0.0:
        return 0.0
    mantissa, exponent = math.frexp(a)
    thirds, rest = divmod(exponent, 3)
    m = math.ldexp(mantissa, rest)  # 0.5 <= m < 4
    y = 0.74 + 0.22 * m
    for _ in range(5):  # 9 % off at first; 5 steps reach the last bit
        y -= (y * y * y - m) / (3.0 * y * y)
    return math.ldexp(y, thirds)


def fifth_root(a: float) -> float:
    """The fifth root of a >= 0 by Newton's rule."""
    if not 0.0 <= a < math.inf:
        raise ValueError(f"fifth root of {a}")
    if a == 0.0:
        return 0.0
    mantissa, exponent = math.frexp(a)
    fifths, rest = divmod(exponent, 5)
    m = math.ldexp(mantissa, rest)  # 0.5 <= m < 16
    y = 0.9 + 0.056 * m
    for _ in range(6):  # 20 % off at first; 6 steps reach the last bit
        y4 = y * y * y * y
        y -= (y4 * y - m) / (5.0 * y4)
    return math.ldexp(y, fifths)


def exp(x: float) -> float:
    """e to the power x."""
    if _EXP_LOWEST < x <= _EXP_HIGHEST:
        return _exp(x, 0.0)
    if x <= _EXP_LOWEST:
        return 0.0
    if x > _EXP_HIGHEST:
        raise OverflowError(f"exp of {x}")
    raise ValueError(f"exp of {x}")


def log(x: float) -> float:
    """The natural logarithm of x > 0.

    With x = 2^k (1 + f) and s = f / (2 + f) it is k ln 2 + 2 artanh s, and 2 s is written
    f - f^2/2 + s f^2/2, because f is exact and s is not.
    """
    if not 0.0 < x < math.inf:
        raise ValueError(f"log of {x}")
    m, k = math.frexp(x)
    if m < _SQRT_HALF:
        m += m
        k -= 1
    f = m - 1.0
    s = f / (2.0 + f)
    half = 0.5 * f * f
    return k * _LN2_HIGH - ((half - (s * (half + _artanh_rest(s * s)) + k * _LN2_LOW)) - f)


def power(x: float, y: float) -> float:
    """x > 0 to the power y, with y ln x carried in two doubles (about 64 bits)."""
    if not (0.0 < x < math.inf and -math.inf < y < math.inf):
        raise ValueError(f"{x} to the power {y}")
    high, low = _log_in_two(x)
    product = y * high
    if not -800.0 < product < 800.0:
        if product > 0.0:
            raise OverflowError(f"{x} to the power {y}")
        return 0.0
    rest = _product_error(y, high, product) + y * low
    if product + rest > _EXP_HIGHEST:
        raise OverflowError(f"{x} to the power {y}")
    return _exp(product, rest)


def _exp(x: float, rest: float) -> float:
    """e^(x + rest), |rest| far below |x|: 2^k times the Taylor series of the remainder r."""
    k = math.floor(x * _INV_LN2 + 0.5)
    r = (x - k * _LN2_HIGH) - (k * _LN2_LOW - rest)  # at most 0.35
    tail = 0.5 + r * (1.6666666666666666e-1 + r * (4.1666666666666664e-2 + r * (
        8.333333333333333e-3 + r * (1.388888888888889e-3 + r * (1.984126984126984e-4 + r * (
        2.48015873015873e-5 + r * (2.7557319223985893e-6 + r * (2.755731922398589e-7 + r * (
        2.505210838544172e-8 + r * (2.08767569878681e-9 + r * 1.6059043836821613e-10
    ))))))))))  # fmt: skip
    return math.ldexp(1.0 + (r + r * r * tail), k)


def _artanh_rest(z: float) -> float:
    """(2 artanh s - 2 s) / s with z = s^2, at most 0.0295: the sum of 2 z^n / (2 n + 1)."""
    return z * (6.666666666666666e-1 + z * (4e-1 + z * (2.857142857142857e-1 + z * (
        2.222222222222222e-1 + z * (1.8181818181818182e-1 + z * (1.5384615384615385e-1 + z * (
        1.3333333333333333e-1 + z * (1.1764705882352941e-1 + z * (1.0526315789473684e-1 + z * (
        9.523809523809523e-2 + z * 8.695652173913043e-2
    ))))))))))  # fmt: skip


def _log_in_two(x: float) -> tuple[float, float]:
    """ln x as the sum of two doubles: s is carried in two parts, its cube and the rest in one."""
    m, k = math.frexp(x)
    if m < _SQRT_HALF:
        m += m
        k -= 1
    f = m - 1.0
    d = 2.0 + f
    d_low = f - (d - 2.0)
    s = f / d
    product = s * d
    s_low = ((f - product) - _product_error(s, d, product) - s * d_low) / d
    small = 2.0 * s_low + s * _artanh_rest(s * s) + k * _LN2_LOW
    large, twice = k * _LN2_HIGH, 2.0 * s
    first = large + twice  # k = 0: twice itself; else |large| > |twice|
    small += (large - first) + twice if k else 0.0
    high = first + small
    return high, (first - high) + small


def _product_error(a: float, b: float, product: float) -> float:
    """a b - product, exactly (Dekker)."""
    c = _SPLIT * a
    a_high = c - (c - a)
    a_low = a - a_high
    c = _SPLIT * b
    b_high = c - (c - b)
    b_low = b - b_high
    return ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
