"""One heap for all threads; what is free goes back, and so do tuples kept for later."""

import subprocess
import sys


def test_threads_share_one_heap() -> None:
    """glibc tells its heaps (malloc_info(3)): one, though eight threads have asked for memory."""
    code = """
import ctypes, threading
from edge_agent.heap import keep_small
assert keep_small()
libc = ctypes.CDLL(None)
gate = threading.Barrier(9)
def ask():
    kept = libc.malloc(1000); gate.wait()
for _ in range(8): threading.Thread(target=ask, daemon=True).start()
gate.wait()
libc.fopen.restype = ctypes.c_void_p
file = ctypes.c_void_p(libc.fopen(b"/dev/stdout", b"w"))
libc.malloc_info(0, file); libc.fflush(file)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.count("<heap nr=") == 1


def test_what_is_free_between_pieces_in_use_goes_back() -> None:
    """50 MB in pieces of 4 kB, of which one in a thousand stays."""
    code = """
from edge_agent.heap import give_back, keep_small
keep_small()
import ctypes
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
def rss(): return int(open("/proc/self/statm").read().split()[1]) * 4
pieces = [libc.malloc(4000) for _ in range(13_000)]
for piece in pieces: ctypes.memset(piece, 1, 4000)
full = rss()
for number, piece in enumerate(pieces):
    if number % 1000: libc.free(ctypes.c_void_p(piece))
before = rss()
give_back()
print(full, before, rss())
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    full, _before, after = map(int, done.stdout.split())
    assert after < full - 45_000


def test_dead_tuples_are_let_go_and_what_was_imported_is_not_looked_at() -> None:
    """1,500 of each length from 1 to 20, all dead: most stay in reserve until it is dropped."""
    code = """
import gc, sys, time
from edge_agent.heap import drop_reserve, set_apart
import decimal, http.client, logging, typing
set_apart()
print(gc.get_freeze_count(), len(gc.get_objects()))
before = sys.getallocatedblocks()
kept = [tuple(range(length)) for length in range(1, 21) for _ in range(1_500)]
del kept
print(sys.getallocatedblocks() - before)
drop_reserve()
print(sys.getallocatedblocks() - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    apart, looked_at, in_reserve, left = map(int, done.stdout.split())
    assert apart > 10_000
    assert looked_at < 500
    assert in_reserve > 20_000
    assert left < 500
