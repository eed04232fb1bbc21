"""Points that the server cannot take, set aside in a file beside the journal.

The file has a JSON object a line: when, for which bucket, why, and the point as it was sent. It is
durable before the follower goes on, so that no point vanishes; what is in it already is not added
again. It may be moved away or deleted at any time.
"""

import hashlib
import json
import os
from pathlib import Path

from uptimed.core.minutes import moment_of
from uptimed.core.observations import Instant
from uptimed.stores.connections import sync_folder

SUFFIX = "-influx-refused.jsonl"


class Aside:
    """The file of a journal. Blocks; used from one thread at a time. Raises OSError."""

    def __init__(self, journal: Path) -> None:
        self.path = journal.with_name(journal.name + SUFFIX)
        self._known: set[bytes] | None = None
        self.added = 0  # since the start

    def add(self, bucket: str, line: str, reason: str, at: Instant) -> bool:
        """Keep *line*, unless it was kept before; return whether it was not."""
        known = self._known if self._known is not None else self._read()
        self._known = known
        identity = _identity(bucket, line)
        if identity in known:
            return False
        entry = {"at": moment_of(at).isoformat(), "bucket": bucket, "reason": reason, "line": line}
        self._append(json.dumps(entry, ensure_ascii=False))
        known.add(identity)
        self.added += 1
        return True

    def _append(self, entry: str) -> None:
        new = not self.path.exists()
        handle = os.open(self.path, os.O_CREAT | os.O_RDWR | os.O_APPEND, 0o640)
        with os.fdopen(handle, "r+b") as file:
            end = file.seek(0, os.SEEK_END)
            if end:  # the machine may have died while it wrote the last one
                file.seek(end - 1)
                entry = entry if file.read(1) == b"\n" else f"\n{entry}"
            file.write(f"{entry}\n".encode())
            file.flush()
            os.fsync(file.fileno())
        if new:
            sync_folder(self.path)

    def _read(self) -> set[bytes]:
        found: set[bytes] = set()
        try:
            with self.path.open(encoding="utf-8", errors="replace") as file:
                for text in file:
                    try:
                        entry = json.loads(text)
                        found.add(_identity(entry["bucket"], entry["line"]))
                    except (ValueError, LookupError, TypeError):  # torn, or edited by hand
                        continue
        except FileNotFoundError:
            pass
        return found


def _identity(bucket: str, line: str) -> bytes:
    return hashlib.sha256(f"{bucket}\0{line}".encode()).digest()[:16]
