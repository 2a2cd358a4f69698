"""Acts on site as people and programs read them."""

from collections.abc import Iterator

import pytest
import requests

from central.ledger.statements import StatementRow
from central.web.instants import zone_of
from central.web.statement_view import statement_view
from central.web.words import load_words
from protocols.evidence.statement import Value
from tests.central.web import story
from tests.central.web.acts import CALIBRATED, COMPARED, DUE, REGULATOR, REPLACED, acted_site
from tests.central.web.page import table

RUN = f"/runs/{story.GATEWAY}/{story.RUN}"
WORDS = load_words()
ZONE = zone_of("Asia/Shanghai")


@pytest.fixture(scope="module", name="acted")
def _acted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with acted_site(tmp_path_factory.mktemp("acted")) as address:
        yield address


def _page(address: str) -> str:
    answer = requests.get(address, timeout=20)
    assert answer.status_code == 200, answer.text
    return answer.text


def _row(fields: tuple[tuple[str, Value], ...], code: str = "compared") -> StatementRow:
    return StatementRow("gw-1", 0, 1, 0, None, code, "R1", "Li", "why", fields)


@pytest.mark.parametrize("path", ["/", RUN, "/gateways/gw-1"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_page_has_them(acted: str, path: str, language: str) -> None:
    """What, of what, why and by whom; nothing that a gateway writes is a tag."""
    page = _page(f"{acted}{path}?lang={language}")
    assert {"en": "Acts on site", "zh": "现场作业记录"}[language] in page
    assert {"en": "Verification is over", "zh": "仪表周检已过期"}[language] in page
    assert "李伟 (own word; uid 1000)" in page
    assert "<b>1</b>" not in page


def test_the_gateways_page(acted: str) -> None:
    """Warnings, figures, and its health in a line; another is not there."""
    page = _page(f"{acted}/gateways/gw-1?lang=en")
    assert [row[:2] for row in table(page, "warnings")] == [
        ["PR1", "Regulator not set as it should be"],
        ["R1", "Display and reading differ"],
        ["R1", "Verification is over"],
        ["R1", "Calibration is due soon"],
    ]
    assert "cpu temperature" in page
    assert "&lt;b&gt;1&lt;/b&gt;" in page
    assert "Nothing waits." in _page(f"{acted}/gateways/gw-2?lang=en")
    assert requests.get(f"{acted}/gateways/gw-9", timeout=20).status_code == 404


def test_the_overview_names_no_health(acted: str) -> None:
    """It comes each hour."""
    codes = [row[2] for row in table(_page(f"{acted}/?lang=en"), "events")]
    assert "display compared" in codes
    assert not any("health" in code for code in codes)


def test_maintenance_on_the_runs_page(acted: str) -> None:
    """From when to when, and what was booked meanwhile."""
    page = _page(f"{acted}{RUN}?lang=en")
    (row,) = table(page, "maintenance")
    assert row[:4] == ["pressure", "2026-03-11 05:30:00", "2026-03-11 06:00:00", "6"]
    told = requests.get(f"{acted}/api{RUN}/statements", timeout=20).json()["maintenance"]
    assert [(one["what"], one["intervals"], one["edited"]) for one in told] == [("pressure", 6, 0)]
    assert told[0]["line_cm3"] > 0


def test_figures_of_a_comparison() -> None:
    """A row a quantity, units beside it; what is outside is marked."""
    view = statement_view(_row(COMPARED), ZONE, WORDS["en"])
    assert view.light == "bad"
    assert view.figures.columns == (
        "display", "read", "computed", "deviation", "allowed", "limit", "verdict",
    )  # fmt: skip
    assert [(line.label, line.unit, line.is_bad) for line in view.figures.rows] == [
        ("line index", "m³", False),
        ("pressure", "kPa", True),
        ("conversion factor C", "", False),
    ]
    assert view.figures.rows[2].cells[:4] == ("4.0312", "", "4.031904", "-0.000704")
    assert view.facts == (("meter", "M-100"), ("method", "SGERG-88"))


def test_figures_of_the_others() -> None:
    """In the trade's own words; times by the site's clock."""
    words = WORDS["zh"]
    view = statement_view(_row(CALIBRATED, "calibrated_pressure"), ZONE, words)
    assert view.figures.rows[0][:3] == ("调前 1", "kPa（表压）", ("0", "1.2", "1.2", "0.5"))
    assert [line.is_bad for line in view.figures.rows] == [True] + [False] * 5
    assert ("开始", "2026-03-11 05:30:00") in view.facts
    assert ("是否调整", "是") in view.facts
    view = statement_view(_row(REGULATOR, "regulator_set"), ZONE, words)
    assert view.figures.rows[0].label == "工作路 供气压力"
    assert ("问题", "备用路 供气压力: 与配置不符; 备用路 供气压力: 与工作路过近") in view.facts
    view = statement_view(_row(REPLACED, "meter_replaced"), ZONE, words)
    assert view.figures.columns[0] == "止度"
    assert view.figures.rows[0].cells[:2] == ("77123.402", "读取")
    view = statement_view(_row(DUE, "verification_due"), ZONE, words)
    assert view.facts[2] == ("有效期至", "2026-03-01")


def test_what_has_no_words_is_shown_by_its_name() -> None:
    """A later version's fields, and figures that are none."""
    fields = (("brand.new_kpa", "1"), ("other", 7), ("line.deviation_m3", "x"),
              ("line.allowed_m3", "1"), ("gone", None))  # fmt: skip
    view = statement_view(_row(fields), ZONE, WORDS["en"])
    assert view.facts == (("other", "7"),)
    assert view.figures.rows[0].label == "brand"
    assert not any(line.is_bad for line in view.figures.rows)


def test_the_api(acted: str) -> None:
    """The same for programs, exact to the digit."""
    told = requests.get(f"{acted}/api/gateways/gw-1/statements", timeout=20).json()
    codes = [one["code"] for one in told["statements"]]
    assert codes == [
        "unheard_of_act", "compared", "regulator_set", "calibrated_pressure",
        "verification_due", "meter_replaced",
    ]  # fmt: skip
    assert told["statements"][1]["fields"] == dict(COMPARED)
    assert told["health"]["fields"]["load_1m"] == "0.12"
    run = requests.get(f"{acted}/api{RUN}/statements?limit=1", timeout=20).json()
    assert [one["code"] for one in run["statements"]] == ["compared"]
    warned = requests.get(f"{acted}/api/warnings", timeout=20).json()
    assert [one["code"] for one in warned["warnings"]][1:3] == [
        "compared-outside",
        "verification-over",
    ]
    for wrong, status in (("gateways/gw-9/statements", 404), ("warnings?x=1", 400),
                          ("gateways/gw-1/statements?limit=0", 400)):  # fmt: skip
        assert requests.get(f"{acted}/api/{wrong}", timeout=20).status_code == status


@pytest.mark.parametrize("number", ["1e999999999", "NaN", "sNaN", "-Infinity", "<b>"])
def test_a_number_that_is_none_breaks_no_page(number: str) -> None:
    """A gateway may sign what it likes; the overview is everybody's."""
    for fields in ((("a.deviation", number), ("a.allowed", "1")), (("a.deviation", number),)):
        assert len(statement_view(_row(fields), ZONE, WORDS["zh"]).figures.rows) == 1


def test_a_table_that_would_fill_the_page_is_told_field_by_field() -> None:
    """256 fields could make 65,536 cells."""
    view = statement_view(_row(tuple((f"h{n}.c{n}", n) for n in range(256))), ZONE, WORDS["en"])
    assert view.figures.rows == ()
    assert len(view.facts) == 256
