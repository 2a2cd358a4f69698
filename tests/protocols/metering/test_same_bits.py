"""The records of a fixed history are the same bytes on every machine, and why they can be.

Agent and central run on different processors and compare to the last digit. So the records of each
method are pinned, and whatever a record is made by is searched for arithmetic that is not exact.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from pathlib import Path

import cbor2
import pytest

import protocols.metering
from protocols.metering.flow import CurvePoint
from protocols.metering.instant import ClockState
from protocols.metering.method import METHODS
from protocols.metering.run_config_faults import faults
from tests.protocols.metering.site import MINUTE, Site, check_chain
from tests.protocols.metering.test_analysis import LEAN, RICH, billed, shows
from tests.protocols.metering.test_conditions import BAROMETER, air
from tests.protocols.metering.test_method import by

FOLDER = Path(protocols.metering.__path__[0])
ROOTS = ("run", "run_config_faults")  # of all that a record is made by
# + - * / and these are fixed by IEEE 754, or correctly rounded whatever the processor; so is
# `**` of whole numbers, and `sum` of them. pow, exp, log and builtin sums of floats are not.
EXACT = {"floor", "frexp", "fsum", "inf", "isfinite", "isinf", "isnan", "ldexp", "sqrt"}
SUMS_OF_INTEGERS = {
    "carry", "composition", "deviation", "gas", "movement", "quality", "run_config_faults", "tally",
}  # fmt: skip


def history(method: str) -> Site:
    """Varying P and T, a measured atmosphere, a curve, two gases, trouble of every kind, a gap."""
    changes = {"pressure": by(method).pressure} if method == "T" else {"barometer": BAROMETER}
    own = billed(
        method=method, k_e9=978_654_321, interval_ms=MINUTE, qmin_l_h=40_000,
        error_curve=(CurvePoint(50_000, 3_100), CurvePoint(1_000_000, -2_700)), **changes,
    )  # fmt: skip
    assert faults(own) == []
    site = shows(air(Site(own).measured(), 98.7), LEAN).meter(999_000, vb=0)
    for n in range(1, 25):
        site.wait(10_000).measured(395.5 + 1.7 * n, 11.25 + 0.37 * n)
        if n == 12:
            shows(site, RICH)
        air(site, 98.7 + n / 64).meter((999_000 + 611 * n) % 10**6, vb=3000 * n, vm_err=n // 5)
    site.pressure(None).wait(10_000).meter(14_100).failed().wait(10_000).measured()
    site.meter(14_090).wait(1000).meter(900_000).wait(1000).meter(17).restart()
    site.wait(4 * MINUTE).measured(412.0, 9.5).meter(1234)
    site.clock(ClockState.UNKNOWN).reboot(3 * MINUTE).measured().meter(2345)
    return site.wait(5000).temperature(-30.1).meter(2400).close()


PINNED = {
    "T": "efe690a163e849478da35c7acf038a8f",
    "PT": "df7466fe45b3c26350bdd904d924d953",
    "fixed-K": "296d3a2c9a84dd970ee665c973386784",
    "SGERG-88": "24e7a196422d6ed76c86e13b3b297cce",
    "SGERG-mod-H2": "2dc5abb4ac6c26c51637628de7e44c9c",
    "GROSS-1": "681057f25a0c234ec04fdffec12d1d94",
    "GROSS-2": "d1ce19cc8cfcbc3bc595d0a9bdcb7c97",
    "NX-19-mod": "d7d6f82d4e801370688ec77f05b5a011",
    "AGA8-DETAIL": "d4f9ea901e2eecb468b1562b1dbc9bda",
    "GERG-2008": "fcfb7cbb8ac4e9fcfde8690362554564",
}


@pytest.mark.parametrize("method", METHODS)
def test_records_are_golden(method: str) -> None:
    """A change of any byte is a change of the contract: a new ALGORITHM, and a new hash here."""
    site = history(method)
    body = [record.to_body() for record in site.records]
    assert hashlib.sha256(cbor2.dumps(body, canonical=True)).hexdigest()[:32] == PINNED[method]
    check_chain(site)


def modules() -> dict[str, ast.Module]:
    """All modules of metering that the roots import, by name."""
    found: dict[str, ast.Module] = {}
    todo = list(ROOTS)
    while todo:
        name = todo.pop()
        path = FOLDER / f"{name}.py"
        if name in found or not path.exists():
            continue
        found[name] = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(found[name]):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("protocols."):
                todo += [str(node.module).split(".")[-1], *(alias.name for alias in node.names)]
    return found


def inexact(name: str, tree: ast.Module) -> Iterator[str]:
    """What in a module's arithmetic two processors, or two releases of Python, may round apart."""
    for node in ast.walk(tree):
        where = f"{name}.py:{getattr(node, 'lineno', 0)}: {ast.unparse(node)[:60]}"
        match node:
            case ast.Attribute(value=ast.Name(id="math"), attr=attribute):
                if attribute not in EXACT:
                    yield where
            case ast.ImportFrom(module="math" | "cmath" | "statistics" | "random" | "decimal"):
                yield where
            case ast.Import(names=aliases):
                if {alias.name for alias in aliases} & {"cmath", "statistics", "random", "numpy"}:
                    yield where
            case ast.BinOp(op=ast.Pow(), left=left):
                if not _is_whole(left):
                    yield where
            case ast.AugAssign(op=ast.Pow()) | ast.Call(func=ast.Name(id="pow")):
                yield where
            case ast.Call(func=ast.Name(id="sum")):
                if name not in SUMS_OF_INTEGERS:
                    yield where
            case _:
                pass


def _is_whole(node: ast.expr) -> bool:
    """A whole number as it stands there, or an exact fraction."""
    match node:
        case ast.Constant(value=int()):
            return True
        case ast.Call(func=ast.Name(id="Fraction")):
            return True
        case _:
            return False


def test_nothing_is_rounded_apart() -> None:
    """No pow, exp, log or float sum in whatever makes a record."""
    found = modules()
    assert {"gerg2008", "aga8_detail", "sgerg88", "nx19", "iso6976", "tally"} <= set(found)
    assert [where for name, tree in found.items() for where in inexact(name, tree)] == []


@pytest.mark.parametrize(
    "source",
    ["x ** 2", "x ** 0.5", "pow(x, 2)", "math.exp(x)", "math.pow(x, 2)", "x **= 2",
     "from math import log", "sum(xs)", "math.cbrt(x)", "import numpy"],
)  # fmt: skip
def test_the_search_finds_each(source: str) -> None:
    """What would differ is found wherever it stands."""
    assert list(inexact("gerg2008", ast.parse(f"def f(x, xs):\n    {source}\n")))
