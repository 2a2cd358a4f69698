"""The counting proxy: nothing is lost, nothing is counted twice."""

import socket
import threading

from hypothesis import given
from hypothesis import strategies as st

from tests.bench.proxy import Count, CountingProxy, RecordCounter


@given(st.lists(st.binary(max_size=40), max_size=8), st.data())
def test_records_are_counted_however_they_arrive(
    contents: list[bytes], data: st.DataObject
) -> None:
    """Cut anywhere, a stream of TLS records gives the same count."""
    stream = b"".join(b"\x17\x03\x03" + len(one).to_bytes(2, "big") + one for one in contents)
    counter = RecordCounter()
    at = 0
    while at < len(stream):
        size = data.draw(st.integers(1, 20))
        counter.feed(stream[at : at + size])
        at += size
    assert (counter.byte_count, counter.records) == (len(stream), len(contents))


def test_bytes_pass_and_are_counted_in_both_directions() -> None:
    """What one side sends the other receives, and the proxy has counted it by then."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def echo_twice() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.sendall(peer.recv(100) * 2)

        thread = threading.Thread(target=echo_twice)
        thread.start()
        proxy = CountingProxy(listener.getsockname())
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as client:
            before = proxy.traffic()
            client.sendall(b"\x17\x03\x03\x00\x02ab")
            received = b""
            while piece := client.recv(100):
                received += piece
            passed = proxy.traffic() - before
        thread.join(10)
        proxy.close()
    assert received == b"\x17\x03\x03\x00\x02ab" * 2
    assert (passed.request, passed.response) == (Count(7, 1), Count(14, 2))
