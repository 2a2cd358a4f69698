"""``python -m tests.bench [SECTION...]``: all sections, or those named.

`wire`: bytes at the socket a value, and what the encoder costs. `z-methods`: CPU of a Z.
`bus`: how much of a serial line a master uses, and what a poll costs, beside other masters.
`proofs`: what it costs to check a proof or an export.
`status`: what `edge-agent status` costs of the processor.
`flash`: bytes that reach the block device a value. `flash-real-time`: the same in ten minutes of
real time; only where it is named.

One hour of eight runs with twelve fields at 10 s, sent as batches of one minute, five minutes and
an hour by the agent's transport, over TLS, through a counting proxy, to a real central.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Final, get_args

from edge_agent.uplink.transport import Transport
from protocols.evidence.leaf import Leaf, Log, Origin
from protocols.evidence.merkle import EMPTY
from protocols.evidence.note import Signer
from protocols.evidence.upload import encode_upload, seal
from tests.bench.central_process import running_central
from tests.bench.cost import Cost, encoder_cost
from tests.bench.material import (
    GATEWAY,
    HOUR_ROUNDS,
    SECRET,
    WARM_UP_ROUNDS,
    Round,
    SeriesKind,
    batches,
    rounds,
)
from tests.bench.proxy import CountingProxy, Traffic
from tests.bench.wire import Bytes, Gateway, reconnect_cost

BATCHES: Final = {"1 min": 6, "5 min": 30, "1 h": HOUR_ROUNDS}
SIGNER: Final = Signer.from_private_bytes(GATEWAY, bytes([1]) * 32)
CONNECTIONS: Final = 3

_ITEMS: Final = ("telemetry", "billing", "checkpoints", "envelopes", "headers", "tls")


def main() -> None:
    """The sections named in the arguments, or all."""
    for name in sys.argv[1:] or SECTIONS:
        (SECTIONS | NAMED_ONLY)[name]()


def _wire() -> None:
    """Measure everything, then print it."""
    made = {kind: rounds(kind, WARM_UP_ROUNDS + HOUR_ROUNDS) for kind in get_args(SeriesKind)}
    sums: dict[tuple[SeriesKind, str], tuple[int, Bytes]] = {}
    reconnect: list[Traffic] = []
    for kind, hour in made.items():
        for name, rounds_a_batch in BATCHES.items():
            sums[kind, name], reconnect = _measure(hour, rounds_a_batch)
    _print_bytes(sums)
    _print_reconnect(reconnect)
    _print_costs({kind: _five_minutes(hour) for kind, hour in made.items()})


def _measure(made: list[Round], rounds_a_batch: int) -> tuple[tuple[int, Bytes], list[Traffic]]:
    """One hour over one open connection to a new central; then what a new connection costs."""
    with (
        tempfile.TemporaryDirectory() as directory,
        running_central(Path(directory), GATEWAY, SIGNER.vkey) as central,
    ):
        proxy = CountingProxy(("127.0.0.1", central.port))
        url = f"https://localhost:{proxy.port}"
        open_one = Transport(url, central.ca)
        try:
            gateway = Gateway(proxy, open_one, SIGNER, central.receipts)
            for telemetry, billing in batches(made[:WARM_UP_ROUNDS], WARM_UP_ROUNDS):
                gateway.send(telemetry, billing)
            total, count = Bytes(), 0
            for telemetry, billing in batches(made[WARM_UP_ROUNDS:], rounds_a_batch):
                total = total.plus(gateway.send(telemetry, billing))
                count += 1
            fresh = [Transport(url, central.ca) for _ in range(CONNECTIONS)]
            again = _held_already(made[0])
            costs = reconnect_cost(proxy, [open_one, *fresh], again)
        finally:
            open_one.close()
            proxy.close()
    return (count, total), costs


def _held_already(first: Round) -> bytes:
    origin = Origin(GATEWAY, Log.TELEMETRY, 0)
    return encode_upload(seal(origin, EMPTY, first.telemetry, SECRET, SIGNER).upload)


def _five_minutes(made: list[Round]) -> Cost:
    telemetry: list[Leaf] = batches(made[WARM_UP_ROUNDS:], BATCHES["5 min"])[0][0]
    return encoder_cost(telemetry)


def _print_bytes(sums: dict[tuple[SeriesKind, str], tuple[int, Bytes]]) -> None:
    print("Bytes at the socket a batch, mean of one hour; request direction on an open connection.")
    print("Eight runs, twelve fields, 10 s; with the interval records of each five minutes.\n")
    heads = [*_ITEMS, "request", "response"]
    line = "{:8} {:6} {:>7} {:>6}" + " {:>11}" * len(heads) + " {:>11} {:>11}"
    print(line.format("series", "batch", "values", "posts", *heads, "request/val", "response/val"))
    for (kind, name), (count, total) in sums.items():
        items = [f"{getattr(total, item) / count:.1f}" for item in heads]
        a_value = [f"{size / total.values:.3f}" for size in (total.request, total.response)]
        posts = f"{total.posts / count:.1f}"
        print(line.format(kind, name, total.values // count, posts, *items, *a_value))
    print("\nThe same, bytes a value:\n")
    line = "{:8} {:6}" + " {:>11}" * len(heads)
    print(line.format("series", "batch", *heads))
    for (kind, name), (_, total) in sums.items():
        shares = [f"{getattr(total, item) / total.values:.3f}" for item in heads]
        print(line.format(kind, name, *shares))


def _print_reconnect(measured: list[Traffic]) -> None:
    kept, *fresh = measured
    added = [one - kept for one in fresh]
    request = sum(one.request.byte_count for one in added) / len(added)
    response = sum(one.response.byte_count for one in added) / len(added)
    print(
        f"\nA reconnect (TLS 1.3, P-256 certificate) adds {request:.0f} bytes in the request"
        f" direction and {response:.0f} in the response direction, mean of {len(added)}."
    )


def _print_costs(costs: dict[SeriesKind, Cost]) -> None:
    print("\nCPU of a five-minute telemetry batch, us a value (best of several runs):\n")
    line = "{:8} {:>8} {:>8} {:>8} {:>12} {:>14} {:>16}"
    heads = ("encode", "decode", "seal", "zlib alone", "encode / zlib", "zlib alone, B/val")
    print(line.format("series", *heads))
    for kind, cost in costs.items():
        row = (cost.encode_us, cost.decode_us, cost.seal_us, cost.zlib_us)
        ratio = f"{cost.encode_us / cost.zlib_us:.1f}"
        print(line.format(kind, *(f"{us:.2f}" for us in row), ratio, f"{cost.zlib_bytes:.2f}"))


def _z_methods() -> None:
    from tests.bench.z_methods import print_z_costs  # its oracle exists on x86-64 alone

    print_z_costs()


def _bus() -> None:
    from tests.bench import bus  # its masters are many imports

    bus.main()


def _proofs() -> None:
    from tests.bench.proofs import print_proof_costs

    print_proof_costs()


def _flash() -> None:
    from tests.bench import flash

    flash.main()


def _flash_real_time() -> None:
    from tests.bench import flash

    flash.main_real_time()


def _status() -> None:
    from tests.bench.status_cpu import report

    report()


SECTIONS: Final = {
    "wire": _wire,
    "z-methods": _z_methods,
    "bus": _bus,
    "proofs": _proofs,
    "flash": _flash,
    "status": _status,
}
NAMED_ONLY: Final = {"flash-real-time": _flash_real_time}

if __name__ == "__main__":
    main()
