"""One process at a time in a folder: two of one kind would spoil each other's half-written files.

Conventions: the lock is the operating system's, on an open file, so that it ends with the process that holds it,
however that ends; the file itself stays and means nothing. Where there is no such lock (Windows) nobody is kept out.

Public names: hold_folder.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from audiolect.errors import StorageError, UsageError

if sys.platform != "win32":
    import fcntl


@contextmanager
def hold_folder(folder: Path) -> Iterator[None]:
    """Hold a folder, which is made if it is missing, for this process.

    Raises:
        UsageError: another process holds it.
        StorageError: it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as problem:
        raise StorageError("The folder cannot be written.", where=folder, found=problem.strerror) from problem
    try:
        if sys.platform != "win32":
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UsageError(
                    "Another process is at work in this folder.", where=folder, fix="wait for its end, or stop it"
                ) from None
        yield
    finally:
        os.close(lock)
