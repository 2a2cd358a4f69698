"""A VFS between SQLite and the disk, in the very library that the agent's journal runs on.

The standard library's `sqlite3` chooses no VFS, so it takes the default one: within `watched` that
is a copy of SQLite's own `unix` VFS whose writes, truncations, syncs and deletions of the files
below a directory go through a `Watcher` first. The program under test is not changed and does not
know. (A binding that brings an SQLite of its own would prove that one, not the agent's.)

The structures are SQLite's public ABI: https://www.sqlite.org/c3ref/vfs.html, io_methods.html.
"""

from __future__ import annotations

import _sqlite3
import contextlib
import ctypes
from collections.abc import Callable, Iterator
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_int64, c_void_p
from pathlib import Path
from typing import Protocol

OK = 0
_NAME = b"watched"


class Watcher(Protocol):
    """Each answers OK to let the call through, or the SQLite result code that it fails with.

    `write` is told the length that reaches the disk all the same when it fails (a torn write).
    """

    def opened(self, path: str, created: bool) -> None: ...

    def write(self, path: str, data: bytes, offset: int) -> tuple[int, int]: ...

    def truncate(self, path: str, size: int) -> int: ...

    def sync(self, path: str) -> int: ...

    def delete(self, path: str) -> int: ...

    def read(self, path: str) -> int: ...


_CLOSE = CFUNCTYPE(c_int, c_void_p)
_TRANSFER = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)  # xRead, xWrite
_TRUNCATE = CFUNCTYPE(c_int, c_void_p, c_int64)
_SYNC = CFUNCTYPE(c_int, c_void_p, c_int)
_OPEN = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_int, POINTER(c_int))
_DELETE = CFUNCTYPE(c_int, c_void_p, c_char_p, c_int)


class _Methods(Structure):
    _fields_ = (
        ("version", c_int),
        ("close", c_void_p),
        ("read", c_void_p),
        ("write", c_void_p),
        ("truncate", c_void_p),
        ("sync", c_void_p),
        *((f"other_{number}", c_void_p) for number in range(13)),
    )


class _File(Structure):
    _fields_ = (("methods", POINTER(_Methods)),)


class _Vfs(Structure):
    _fields_ = (
        ("version", c_int),
        ("file_bytes", c_int),
        ("longest_path", c_int),
        ("next", c_void_p),
        ("name", c_char_p),
        ("data", c_void_p),
        ("open", c_void_p),
        ("delete", c_void_p),
        *((f"other_{number}", c_void_p) for number in range(14)),
    )


# the library that the module is linked with, or the module itself where it holds one
_LIBRARY = ctypes.CDLL(getattr(_sqlite3, "__file__", None))
_LIBRARY.sqlite3_vfs_find.restype = POINTER(_Vfs)
_LIBRARY.sqlite3_vfs_find.argtypes = (c_char_p,)
_LIBRARY.sqlite3_vfs_register.argtypes = (POINTER(_Vfs), c_int)
_LIBRARY.sqlite3_vfs_unregister.argtypes = (POINTER(_Vfs),)


_outlived: list[_Shim] = []


@contextlib.contextmanager
def watched(directory: Path, watcher: Watcher) -> Iterator[None]:
    """Connections opened within have their files below the directory watched, until closed."""
    shim = _Shim(str(directory), watcher)
    default = _LIBRARY.sqlite3_vfs_find(None)
    assert default.contents.name != _NAME, "one watcher at a time"
    assert _LIBRARY.sqlite3_vfs_register(ctypes.byref(shim.vfs), 1) == OK
    try:
        yield
    finally:
        _LIBRARY.sqlite3_vfs_unregister(ctypes.byref(shim.vfs))
        _LIBRARY.sqlite3_vfs_register(default, 1)
        if shim.open_files:  # a failed test left them: their callbacks must outlive them
            _outlived.append(shim)


class _Shim:
    """The copy of the unix VFS, and of the methods of each file that it opens."""

    def __init__(self, prefix: str, watcher: Watcher) -> None:
        self._prefix = prefix
        self._watcher = watcher
        self._unix = _LIBRARY.sqlite3_vfs_find(None)
        self.open_files: dict[int, str] = {}
        self._methods: dict[int, tuple[_Methods, _Original]] = {}  # by the original's address
        self._original: dict[int, _Original] = {}
        self.vfs = _Vfs.from_buffer_copy(self._unix.contents)
        self.vfs.next, self.vfs.name = None, _NAME
        self._unix_open = _OPEN(self._unix.contents.open)
        self._unix_delete = _DELETE(self._unix.contents.delete)
        self._kept: list[object] = []  # C holds no reference to a callback
        self.vfs.open = self._callback(_OPEN, self._open)
        self.vfs.delete = self._callback(_DELETE, self._delete)

    def _callback(self, kind: Callable[..., object], function: Callable[..., int]) -> int | None:
        made = kind(function)
        self._kept.append(made)
        return ctypes.cast(made, c_void_p).value  # type: ignore[arg-type]

    def _open(self, _vfs: int, name: int | None, file: int, flags: int, out: object) -> int:
        path = "" if name is None else ctypes.string_at(name).decode()
        is_ours = path.startswith(self._prefix)
        created = is_ours and not Path(path).exists()
        result = self._unix_open(ctypes.cast(self._unix, c_void_p), name, file, flags, out)
        if result == OK and is_ours:
            self.open_files[file] = path
            opened = _File.from_address(file)
            opened.methods = ctypes.pointer(self._watched_methods(file, opened.methods))
            self._watcher.opened(path, created)
        return result

    def _watched_methods(self, file: int, methods: object) -> _Methods:
        address = ctypes.cast(methods, c_void_p).value  # type: ignore[arg-type]
        assert address is not None
        if address not in self._methods:
            original = _Original(methods.contents)  # type: ignore[attr-defined]
            copy = _Methods.from_buffer_copy(methods.contents)  # type: ignore[attr-defined]
            copy.close = self._callback(_CLOSE, self._close)
            copy.read = self._callback(_TRANSFER, self._read)
            copy.write = self._callback(_TRANSFER, self._write)
            copy.truncate = self._callback(_TRUNCATE, self._truncate)
            copy.sync = self._callback(_SYNC, self._sync)
            self._methods[address] = copy, original
        copy, self._original[file] = self._methods[address]
        return copy

    def _close(self, file: int) -> int:
        del self.open_files[file]
        return self._original.pop(file).close(file)

    def _read(self, file: int, buffer: int, size: int, offset: int) -> int:
        failed = self._watcher.read(self.open_files[file])
        return failed or self._original[file].read(file, buffer, size, offset)

    def _write(self, file: int, buffer: int, size: int, offset: int) -> int:
        data = ctypes.string_at(buffer, size)
        failed, length = self._watcher.write(self.open_files[file], data, offset)
        if failed and not length:
            return failed
        length = length if failed else size
        return self._original[file].write(file, buffer, length, offset) or failed

    def _truncate(self, file: int, size: int) -> int:
        failed = self._watcher.truncate(self.open_files[file], size)
        return failed or self._original[file].truncate(file, size)

    def _sync(self, file: int, flags: int) -> int:
        failed = self._watcher.sync(self.open_files[file])
        return failed or self._original[file].sync(file, flags)

    def _delete(self, _vfs: int, name: bytes, sync_directory: int) -> int:
        path = name.decode()
        failed = self._watcher.delete(path) if path.startswith(self._prefix) else OK
        return failed or self._unix_delete(ctypes.cast(self._unix, c_void_p), name, sync_directory)


class _Original:
    """The unix VFS's own functions of a file."""

    def __init__(self, methods: _Methods) -> None:
        self.close = _CLOSE(methods.close)
        self.read = _TRANSFER(methods.read)
        self.write = _TRANSFER(methods.write)
        self.truncate = _TRUNCATE(methods.truncate)
        self.sync = _SYNC(methods.sync)
