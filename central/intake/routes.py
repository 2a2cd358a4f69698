"""What may be asked of the intake: each request's path, method, limits, and who answers it."""

from collections.abc import Callable
from typing import Final, NamedTuple

from central.intake.answer import Answer, refusal
from central.intake.enroller import Enroller
from central.intake.service import Intake, Sent
from protocols.evidence import adopt, enrol, heads, offer, receipt_keys
from protocols.evidence.adopt import MAX_ADOPTION_BYTES
from protocols.evidence.order import REQUEST_HEADER
from protocols.evidence.upload import MAX_UPLOAD_BYTES, UNSENT_HEADER, parse_unsent

UPLOAD_PATH: Final = "/v1/upload"
ORDERS_PATH: Final = "/v1/orders/"
ENROLLED_PATH: Final = f"{enrol.PATH}/"
CBOR_TYPE: Final = b"application/cbor"


class Asked(NamedTuple):
    """One request as the routes see it; header names in lower case.

    `tail`: of the path, after the route's own. `identity`: what the TLS terminator verified; None
    where there is none in use.
    """

    tail: str
    query: bytes
    headers: dict[bytes, bytes]
    body: bytes
    identity: str | None

    def header(self, name: str) -> str:
        """The header's value, "" where it is missing."""
        return self.headers.get(name.lower().encode("ascii"), b"").decode("latin-1")


class Route(NamedTuple):
    """`path` ends with "/" where more follows it; `max_bytes` of a body, 0 for GET."""

    method: str
    path: str
    max_bytes: int
    call: Callable[[Asked], Answer]


def routes(intake: Intake, enroller: Enroller | None) -> tuple[Route, ...]:
    """All of them; enrolment only where central can do it."""

    def upload(asked: Asked) -> Answer:
        unsent = parse_unsent(asked.header(UNSENT_HEADER))
        return intake.receive(asked.body, unsent, asked.identity)

    def orders(asked: Asked) -> Answer:
        return intake.orders(asked.tail, asked.query, asked.header(REQUEST_HEADER), asked.identity)

    def offers(asked: Asked) -> Answer:
        return intake.offers(asked.tail, asked.query, asked.header(REQUEST_HEADER), asked.identity)

    def bundle(asked: Asked) -> Answer:
        sent = Sent(asked.body, asked.identity)
        return intake.bundle(asked.tail, asked.query, asked.header(REQUEST_HEADER), sent)

    def newest_heads(asked: Asked) -> Answer:
        return intake.heads(asked.tail, asked.header(REQUEST_HEADER), asked.identity)

    always = (
        Route("POST", UPLOAD_PATH, MAX_UPLOAD_BYTES, upload),
        Route("GET", ORDERS_PATH, 0, orders),
        Route("GET", offer.PATH, 0, offers),
        Route("POST", offer.BUNDLE_PATH, offer.MAX_BUNDLE_BYTES, bundle),
        Route("GET", heads.PATH, 0, newest_heads),
        Route("POST", adopt.PATH, MAX_ADOPTION_BYTES, lambda a: intake.adopt(a.body, a.identity)),
        Route("GET", receipt_keys.PATH, 0, lambda _: intake.receipt_keys()),
    )
    if enroller is None:
        return always
    return (
        *always,
        Route("GET", enrol.CA_PATH, 0, lambda _: enroller.ca()),
        Route("POST", enrol.PATH, enrol.MAX_REQUEST_BYTES, lambda asked: enroller.ask(asked.body)),
        Route("GET", ENROLLED_PATH, 0,
              lambda asked: enroller.poll(asked.tail, asked.header(REQUEST_HEADER))),
    )  # fmt: skip


def find_route(
    known: tuple[Route, ...], method: str, path: str, headers: dict[bytes, bytes]
) -> Route | Answer:
    """The route of a request, or a refusal of what can be refused before its body is read."""
    of_path = [
        route
        for route in known
        if route.path == path or (route.path.endswith("/") and path.startswith(route.path))
    ]
    if not of_path:
        return refusal(404, "there is nothing here", f"POST {UPLOAD_PATH}")
    route = of_path[0]
    if route.method != method:
        remedy = f"{route.method} {route.path}"
        return refusal(405, f"method {method[:20]} is not known here", remedy)
    if method == "GET":
        return route
    if headers.get(b"content-type") != CBOR_TYPE:
        return refusal(415, "what is sent here is application/cbor", "set Content-Type")
    length = headers.get(b"content-length", b"0")
    if not length.isdigit() or len(length) > 10 or int(length) > route.max_bytes:
        return too_large(route)
    return route


def too_large(route: Route) -> Answer:
    """413 for a body that is longer than the route reads."""
    remedy = "send fewer leaves in one batch" if route.path == UPLOAD_PATH else "send less"
    return refusal(413, f"at most {route.max_bytes} bytes are read here", remedy)
