"""Texts that come again and again, kept once and named by a number.

A number, once given, never means anything else: they may be remembered as long as the file is the
same, whoever else writes to it.
"""

import sqlite3
from collections.abc import Mapping


class Names:
    """The numbers of texts, for one connection.

    What was `given` inside a transaction that was undone is forgotten by `forget`.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._ids: dict[str, int] = {"": 1}
        self.texts: Mapping[int, str] = _Texts(connection)  # the text that a number stands for

    def known(self, text: str) -> int | None:
        """Return the number of *text*, or None where it was never written."""
        found = self._ids.get(text)
        if found is None:
            row = self._connection.execute("SELECT id FROM text WHERE text = ?", (text,)).fetchone()
            if row is not None:
                found = self._ids[text] = int(row[0])
        return found

    def given(self, text: str) -> int:
        """Return the number of *text*, which is given one now where it has none."""
        found = self._ids.get(text) or self.known(text)
        if found is None:
            row = self._connection.execute(
                "INSERT INTO text (text) VALUES (?) RETURNING id", (text,)
            ).fetchone()
            found = self._ids[text] = int(row[0])
        return found

    def forget(self) -> None:
        """Forget all numbers: a transaction was undone, and they with it."""
        self._ids = {"": 1}
        self.texts = _Texts(self._connection)


class _Texts(dict[int, str]):
    """Looks up in the file what was not asked for before; a lookup of the rest costs nothing."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__()
        self._connection = connection

    def __missing__(self, number: int) -> str:
        row = self._connection.execute("SELECT text FROM text WHERE id = ?", (number,)).fetchone()
        found = self[number] = str(row[0])
        return found
