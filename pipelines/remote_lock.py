"""A lock on a folder in an object store: an object that says who works there, kept fresh."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pipelines.errors import RunLocked
from pipelines.files import remote_of
from pipelines.object_store import LockTaken, ObjectStore

__all__ = ["held"]

_REFRESH_SECONDS = 30.0
# A holder that was killed leaves its lock; this long after its last sign of life it may be taken
# over. Clocks of this machine and the store may differ by a part of it.
_STALE_SECONDS = 180.0
_SETTLE_SECONDS = 2.0


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Holds the lock while the block runs; nothing to do for a path of this machine.

    Args:
        path: The lock's place in a mirrored folder.

    Raises:
        RunLocked: Somebody else holds it and is alive.
        OSError: The store can't be reached.
    """
    remote = remote_of(path)
    if remote is None:
        yield
        return
    store, key = remote.store, remote.key
    content = json.dumps(
        {"host": socket.gethostname(), "process": os.getpid(), "token": uuid.uuid4().hex}
    ).encode()
    try:
        store.create(key, content)
    except LockTaken:
        _take_over(store, key, content, remote.address)
    stop = threading.Event()
    keeper = threading.Thread(
        target=_keep_fresh, args=(store, key, content, stop), name="remote lock", daemon=True
    )
    keeper.start()
    try:
        yield
    finally:
        stop.set()
        keeper.join()
        with suppress(OSError):
            store.delete([key])


def _take_over(store: ObjectStore, key: str, content: bytes, address: str) -> None:
    found = store.head(key)
    age = time.time() - found.modified if found is not None else _STALE_SECONDS
    if age < _STALE_SECONDS:
        holder = json.loads(store.read(key))
        raise RunLocked(
            f"{holder['host']}, process {holder['process']}, is at work there "
            f"({address}, {age:.0f} s old; one of {_STALE_SECONDS:.0f} s is taken over)"
        )
    store.replace(key, content)
    # Of several that took it over at once, the last to write has it.
    time.sleep(_SETTLE_SECONDS)
    if store.read(key) != content:
        raise RunLocked(f"another process took over {address} at the same time")


def _keep_fresh(store: ObjectStore, key: str, content: bytes, stop: threading.Event) -> None:
    while not stop.wait(_REFRESH_SECONDS):
        # A refresh that fails is made up for by the next, well before the lock is stale.
        with suppress(OSError):
            store.replace(key, content)
