"""One heap for all threads, and what is free goes back."""

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
