"""One heap for all threads."""

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
