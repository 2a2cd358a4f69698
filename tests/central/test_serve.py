"""`edge-central serve` as a real process, over real TLS, killed and stopped."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from central.cli import main
from protocols.evidence.heads import decode_heads, sign_heads_request
from protocols.evidence.leaf import Log
from protocols.evidence.note import Verifier
from protocols.evidence.receipt_keys import follow, split_successions
from protocols.evidence.upload import check_receipt, decode_conflict, decode_upload

BILLING, TELEMETRY = Log.BILLING, Log.TELEMETRY
DEADLINE_S = 30.0


class Server:
    """One central, which may be killed and started again on the same store."""

    def __init__(self, directory, certificate, capsys):
        self.directory = directory
        self.process = None
        self.log = None
        (directory / "tls.pem").write_bytes(certificate[0])
        (directory / "tls.key").write_bytes(certificate[1])
        (directory / "central.toml").write_text(
            '[store]\ndir = "store"\n'
            '[intake]\nlisten = "127.0.0.1:0"\ncert = "tls.pem"\nkey = "tls.key"\n'
            '[web]\nlisten = "127.0.0.1:0"\n'
        )
        assert main(["init", "--store", str(directory / "store")]) == 0
        self.verifier = Verifier.from_vkey(capsys.readouterr().out.strip())

    def add(self, gateway):
        command = ["gateway", "add", "--store", str(self.directory / "store"), gateway.name]
        assert main([*command, gateway.signer.vkey]) == 0

    def start(self):
        """Start, and wait until both addresses are known and answer."""
        self.process = subprocess.Popen(
            [sys.executable, "-c",
             "import sys; from central.cli import main; sys.exit(main())",
             "serve", "--config", str(self.directory / "central.toml")],
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        told = {}
        guard = threading.Timer(DEADLINE_S, self.process.kill)
        guard.start()
        for line in self.process.stderr:
            found = re.search(r"(intake|page) at (https?://\S+)", line)
            if found:
                told[found[1]] = found[2]
            if len(told) == 2:
                break
        guard.cancel()
        assert len(told) == 2, "central did not start"
        self.intake, self.page = told["intake"], told["page"]
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = str(self.directory / "tls.pem")

    def post(self, body):
        return self.session.post(
            f"{self.intake}/v1/upload",
            data=body,
            headers={"Content-Type": "application/cbor"},
            timeout=DEADLINE_S,
        )

    def get(self, path, headers=None):
        return self.session.get(f"{self.intake}{path}", headers=headers, timeout=DEADLINE_S)

    def summary(self):
        return self.session.get(f"{self.page}/api/summary", timeout=DEADLINE_S).json()

    def end(self, number):
        """Send a signal; the exit status and how long it took."""
        begun = time.monotonic()
        self.process.send_signal(number)
        status = self.process.wait(DEADLINE_S)
        self.session.close()
        self.log = self.process.stderr.read()
        self.process.stderr.close()
        self.process = None
        return status, time.monotonic() - begun


@pytest.fixture
def server(tmp_path, certificate, capsys):
    made = Server(tmp_path, certificate, capsys)
    yield made
    if made.process is not None:
        made.end(signal.SIGKILL)


def wait_until(condition, deadline_s=DEADLINE_S):
    tick = threading.Event()
    for _ in range(int(deadline_s / 0.05)):
        if condition():
            return
        tick.wait(0.05)
    raise AssertionError("not within the deadline")


def test_killed_between_posts_nothing_is_lost_or_doubled(server, polled):
    """SIGKILL after every few posts: what has a receipt is there, and all of it, once."""
    server.add(polled)
    sizes = {BILLING: 0, TELEMETRY: 0}
    posts = [(log, first, min(first + cut, end)) for log, cut in ((BILLING, 7), (TELEMETRY, 31))
             for end in [len(polled.leaves[log])] for first in range(0, end, cut)]  # fmt: skip
    server.start()
    for number, (log, first, end) in enumerate(posts):
        body = polled.upload(log, first, end)
        answer = server.post(body)
        assert answer.status_code == 200
        receipt = check_receipt(decode_upload(body).checkpoint, answer.content, server.verifier)
        sizes[log] = receipt.size
        if number % 2 == 1:
            server.end(signal.SIGKILL)
            server.start()
            again = server.post(body)
            assert again.status_code == 409
            conflict = decode_conflict(again.content)
            assert conflict.size == sizes[log]
            assert conflict.receipt == answer.content
    wait_until(lambda: server.summary()["recomputed"] == 10)
    told = server.summary()
    assert told["leaves"] == told["ledger_leaves"] == sum(map(len, polled.leaves.values()))
    assert (told["receipts"], told["alarms"], told["law_holds"]) == (len(posts), 0, True)


def test_keys_and_heads_of_a_running_server(server, polled, capsys):
    """Rotated beside it the new key signs, and is followed; revoked beside it a gateway is out."""
    server.add(polled)
    server.start()
    store = str(server.directory / "store")
    assert server.post(polled.upload(TELEMETRY, 0, 30)).status_code == 200
    capsys.readouterr()
    assert main(["receipt-key", "rotate", "--store", store]) == 0
    newer = capsys.readouterr().out.strip()
    body = polled.upload(TELEMETRY, 30)
    answer = server.post(body)
    notes = server.get("/v1/receipt-keys").content
    keys = follow(server.verifier.vkey, split_successions(notes))
    assert keys[-1].vkey == newer
    check_receipt(decode_upload(body).checkpoint, answer.content, keys[-1])
    header = sign_heads_request(polled.name, polled.signer)
    told = server.get(f"/v1/heads/{polled.name}", {"Gas-Request": header})
    assert decode_heads(told.content, polled.name).of(TELEMETRY).size == 84
    who = ["--who", "Li", "--reason", "stolen"]
    assert main(["gateway", "revoke", polled.name, "--store", store, *who]) == 0
    assert server.post(polled.upload(BILLING, 0)).status_code == 401
    assert server.get("/v1/ca").content == (server.directory / "tls.pem").read_bytes()


def test_four_connections_with_one_batch(server, polled):
    """The same batch posted at once: one receipt, three conflicts that carry it."""
    server.add(polled)
    server.start()
    body = polled.upload(TELEMETRY, 0)
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(server.post, [body] * 4))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]


@pytest.mark.timing
def test_sigterm_ends_it_within_five_seconds(server, polled):
    """With connections kept open, central ends cleanly, and starts again where it was."""
    server.add(polled)
    server.start()
    assert server.post(polled.upload(BILLING, 0)).status_code == 200
    half = socket.create_connection(("127.0.0.1", int(server.intake.rsplit(":", 1)[1])))
    status, took_s = server.end(signal.SIGTERM)
    half.close()
    assert status == 0, server.log
    assert took_s < 5
    assert "Traceback" not in server.log
    server.start()
    assert server.summary()["leaves"] == len(polled.leaves[BILLING])


def test_a_busy_address_is_told(server, capsys):
    """Central does not start on an address that is taken, and says which."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        path = server.directory / "central.toml"
        text = path.read_text().replace('"127.0.0.1:0"\ncert', f'"127.0.0.1:{port}"\ncert')
        path.write_text(text)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            status = main(["serve", "--config", str(path)])
    assert status == 2
    assert f"[intake] listen = 127.0.0.1:{port}" in capsys.readouterr().err


def test_a_lost_receipt_key_is_told(server, capsys):
    """Without its key central serves nothing."""
    os.unlink(server.directory / "store" / "receipt-key")
    assert main(["serve", "--config", str(server.directory / "central.toml")]) == 2
    assert "no receipt key" in capsys.readouterr().err
