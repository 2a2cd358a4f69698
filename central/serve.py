"""The composition root: store, intake over TLS, ledger thread and page in one process.

Two uvicorn servers share one event loop. SIGTERM or SIGINT: no new connections, running uploads
finish, the ledger stops between two steps; within 5 s in all.
"""

import asyncio
import contextlib
import functools
import logging
import os
import signal
import socket
import ssl
from collections.abc import Iterator
from typing import Any, Final

import uvicorn

from central.ca_file import check_ca, load_ca, pem
from central.clock import utc_now_ms
from central.config import CentralConfig, Listen
from central.enrolment import Keys
from central.first_request import PromptProtocol
from central.gateway_ca import load_gateway_ca
from central.intake.app import IntakeApp
from central.intake.enroller import Enroller
from central.intake.service import Intake
from central.keys import order_vkey
from central.ledger.follow import LedgerThread
from central.proofs.daily import DailyThread
from central.receipt_keys import ReceiptKeyFile
from central.store.database import Store, open_store
from central.supervision import Supervisor
from central.web.app import create_app

KEEP_ALIVE_S: Final = 1000
"""At least three batch intervals of 300 s: a new TLS connection costs a gateway about 4 KB."""
GRACE_S: Final = 2
BACKLOG: Final = 1024
WEB_KEEP_ALIVE_S: Final = 30
MAX_GATEWAY_CONNECTIONS: Final = 4096
MAX_WEB_CONNECTIONS: Final = 256

_log = logging.getLogger("central")


class ServeError(Exception):
    """Central cannot serve; says where and what to do."""


class _Server(uvicorn.Server):
    """Leaves signals to `serve`, which stops both servers and the ledger."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def serve(config: CentralConfig) -> int:
    """Run until a signal; the exit status. Raises StoreError, KeyFileError or ServeError."""
    store = open_store(config.store_dir)
    try:
        keys = ReceiptKeyFile(config.store_dir)
        ledger = LedgerThread(store)
        intake = Intake(store, keys, utc_now_ms, ledger.wake)
        completed = intake.complete_receipts()
        if completed:
            _log.info("countersigned %d batches that were stored just before a stop", completed)
        app = IntakeApp(intake, _enroller(config, store, keys), config.client_identity_header)
        daily = DailyThread(store, utc_now_ms)
        ledger.start()
        daily.start()
        try:
            asyncio.run(_run(config, store, app, ledger))
        finally:
            ledger.stop()
            daily.stop()
            app.close()
            intake.close()
            ledger.join()
            daily.join()
    finally:
        store.close()
    return 1 if ledger.failed else 0


def _enroller(config: CentralConfig, store: Store, keys: ReceiptKeyFile) -> Enroller:
    """Enrolment with central's keys as they are at each request. Raises KeyFileError."""
    ca = load_ca(config.ca or config.cert)
    check_ca(ca, config.cert)
    authority = load_gateway_ca(config.store_dir)

    def told() -> Keys:
        return Keys(keys().signer.vkey, order_vkey(config.store_dir), authority)

    return Enroller(store, told, pem(ca), utc_now_ms)


async def _run(config: CentralConfig, store: Store, app: IntakeApp, ledger: LedgerThread) -> None:
    supervisor = Supervisor.of(os.environ, os.getpid())
    servers = [(_intake_server(config, app), _bind("intake", config.intake))]
    if config.web is not None:
        servers.append((_web_server(store), _bind("web", config.web)))
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    ledger.on_failure(functools.partial(loop.call_soon_threadsafe, stop.set))
    running = [asyncio.create_task(server.serve(sockets=[sock])) for server, sock in servers]
    for (_, sock), kind in zip(servers, ("intake at https", "page at http"), strict=False):
        host, port = sock.getsockname()[:2]
        _log.info("%s://%s", kind, Listen(host, port))
    supervisor.ready(f"intake at {config.intake}")
    feeding = asyncio.create_task(supervisor.feed(lambda: ledger.turn_s))
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait([stopped, *running], return_when=asyncio.FIRST_COMPLETED)
    _log.info("stopping")
    supervisor.stopping()
    ledger.stop()
    for server, _ in servers:
        server.should_exit = True
    await asyncio.gather(*running)
    stopped.cancel()
    feeding.cancel()


def _bind(table: str, listen: Listen) -> socket.socket:
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((listen.host, listen.port))
        sock.listen(BACKLOG)  # who connects from now on is answered once the server runs
    except OSError as error:
        sock.close()
        raise ServeError(
            f"[{table}] listen = {listen}: {error.strerror}; choose another address or port"
        ) from None
    return sock


def _intake_server(config: CentralConfig, app: IntakeApp) -> _Server:
    def tls(_config: uvicorn.Config, _default: Any) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(config.cert, config.key)
        return context

    return _Server(
        uvicorn.Config(
            app,
            http=PromptProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=GRACE_S,
            limit_concurrency=MAX_GATEWAY_CONNECTIONS,
            ssl_context_factory=tls,
        )
    )


def _web_server(store: Store) -> _Server:
    return _Server(
        uvicorn.Config(
            create_app(store),
            http=PromptProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=WEB_KEEP_ALIVE_S,
            timeout_graceful_shutdown=GRACE_S,
            limit_concurrency=MAX_WEB_CONNECTIONS,
        )
    )
