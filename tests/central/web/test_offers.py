"""What operators offered, and what became of it, on the overview and on the gateway's page."""

from collections.abc import Iterator

import pytest
import requests

from central.offers import add_offer
from central.registry import add_gateway
from central.store.database import Store, create_store
from central.web.app import create_app
from protocols.evidence.note import Signer
from protocols.evidence.offer import Offer, sign_offer
from tests.central.web import story
from tests.central.web.page import table
from tests.central.web.serving import serving

OPERATOR = Signer.from_private_bytes("operator", b"p" * 32)
ITEMS = {
    "configuration": (b"b" * 32, b"[x]"),
    "read_now": ("meter-1",),
    "read_range": ("R1", 0, 1),
    "support_bundle": (),
}


@pytest.fixture(scope="module")
def offered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A gateway with an offer of each kind, of which none was taken yet."""
    store: Store = create_store(tmp_path_factory.mktemp("offered"))
    log_key = Signer.from_private_bytes("gw-1", b"g" * 32).vkey
    add_gateway(store, "gw-1", log_key, lambda: story.NOW_MS)
    for number, (kind, item) in enumerate(ITEMS.items(), 1):
        offer = Offer("gw-1", number, kind, story.NOW_MS + 1, "<b>Li</b>", "a look", item)
        add_offer(store, sign_offer(offer, OPERATOR), lambda: story.NOW_MS)
    with serving(create_app(store, lambda: story.NOW_MS)) as address:
        yield address
    store.close()


@pytest.mark.parametrize("path", ["/", "/gateways/gw-1"])
@pytest.mark.parametrize(
    ("language", "state"), [("en", "not taken yet"), ("zh", "尚未领取")], ids=["en", "zh"]
)
def test_offers_stand_there(offered: str, path: str, language: str, state: str) -> None:
    """The newest first, with who and why; what an operator writes is no tag."""
    answer = requests.get(f"{offered}{path}?lang={language}", timeout=20)
    assert answer.status_code == 200, answer.text
    rows = table(answer.text, "offers")
    assert [row[2] for row in rows] == ["4", "3", "2", "1"]
    assert all(state in row[5] for row in rows)
    assert "<b>Li</b>" not in answer.text


def test_without_offers_nothing_stands_there(site: str) -> None:
    """Most gateways have none."""
    assert 'id="offers"' not in requests.get(f"{site}/?lang=en", timeout=20).text
