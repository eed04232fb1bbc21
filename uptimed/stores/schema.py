"""The tables of the journal, and how a file of an earlier version becomes one of this version.

What the columns hold:

* Names that come again and again (services, probes, vantages, causes, fingerprints, digests) are
  kept once, in `text`, and named by its id. Id 1 is the empty text, so that it costs one byte.
* `attempt` is clustered by service and time: the attempts of a service and a stretch of minutes
  are read by one scan of neighbouring pages. Its key is an attempt's identity. A look belongs to
  the time of its *first* attempt, which is not part of the identity, so `lag_us` says how long
  after the look began the attempt did: mostly nothing, which is kept in no bytes at all. The few
  that lie outside the usual range (a stepped clock, an odd import) are found through a partial
  index, which is empty as a rule.
* `day` has the letters of a service and UTC day in one blob of 1440 bytes, 0 where no letter was
  laid down yet. Its key is `service << 20 | day`, days counted from 1970-01-01: the days of a
  service lie side by side, so that a month of it is read from some sixteen pages.
* `seal` is keyed in the same way.
* `entry` has what people and the daemon enter beside looks and letters; the file itself refuses to
  change or delete one. `key` is NULL where an entry has none, so that many may have none.
* `seq` counts what was written, in the order of writing, so that a follower finds what is new.
  Each attempt has its own. It has no index as long as nobody follows: that would be a third more
  disk for everybody, and making one later rewrites no table (see `Ledger.allow_following`). For
  letters, `laid` has a row for each service and hour with the `seq` of the hour's last change: a
  follower sends at most an hour again, which changes nothing where it is idempotent, and the table
  never needs pruning and always leads from the first letter to the last.
* `mail` is the outbox: a row for each mail, its frozen bytes compressed in `message` (last, so that
  a list of mails does not read them). `mail_event` is what happened to it, only ever added to;
  `open` is a cache of what follows from it. `mail_since` has when a client's reports were first
  the daemon's to send: what was due before is not sent by itself.
* `contract` has what was agreed with a client, each time it changed; the last row holds on.
"""

import secrets
import sqlite3
from collections.abc import Sequence

from uptimed.stores.transactions import transaction

APPLICATION_ID = 0x75707464  # "uptd": tells our files from other programs' SQLite files

LONGEST_LAG_US = 120_000_000  # attempts begin within 55 s of their look, and a busy host is late

_FIRST = (
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID",
    """INSERT INTO meta VALUES
        ('journal', hex(secret(16))), ('fingerprint_key', secret(32)), ('seq', 0)""",
    "CREATE TABLE text (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT",
    "INSERT INTO text VALUES (1, '')",
    """CREATE TABLE attempt (
        service INTEGER NOT NULL, at_us INTEGER NOT NULL, probe INTEGER NOT NULL,
        vantage INTEGER NOT NULL, account INTEGER NOT NULL,
        lag_us INTEGER NOT NULL, outcome INTEGER NOT NULL, cause INTEGER NOT NULL,
        took_us INTEGER, secret INTEGER NOT NULL, seq INTEGER NOT NULL,
        phases BLOB, certificate_expires_us INTEGER, evidence INTEGER, detail TEXT NOT NULL,
        PRIMARY KEY (service, at_us, probe, vantage, account)
    ) STRICT, WITHOUT ROWID""",
    f"""CREATE INDEX attempt_astray ON attempt (service, at_us - lag_us)
        WHERE lag_us < 0 OR lag_us > {LONGEST_LAG_US}""",
    "CREATE TABLE evidence (id INTEGER PRIMARY KEY, json TEXT NOT NULL) STRICT",
    """CREATE TABLE day (
        id INTEGER PRIMARY KEY, sealed INTEGER NOT NULL, rules INTEGER NOT NULL,
        terms INTEGER NOT NULL, letters BLOB NOT NULL CHECK (length(letters) = 1440)
    ) STRICT""",
    """CREATE TABLE laid (
        service INTEGER NOT NULL, hour INTEGER NOT NULL, seq INTEGER NOT NULL UNIQUE,
        PRIMARY KEY (service, hour)
    ) STRICT, WITHOUT ROWID""",
    "CREATE TABLE seal (id INTEGER PRIMARY KEY, sha256 TEXT NOT NULL, record TEXT NOT NULL) STRICT",
    """CREATE TABLE config (
        service INTEGER NOT NULL, since_minute INTEGER NOT NULL, sha256 TEXT NOT NULL,
        canonical TEXT NOT NULL, PRIMARY KEY (service, since_minute)
    ) STRICT""",
    """CREATE TABLE blind (
        vantage INTEGER NOT NULL, minute INTEGER NOT NULL, reason TEXT NOT NULL,
        PRIMARY KEY (vantage, minute)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE life (
        id INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, start_minute INTEGER NOT NULL,
        stop_minute INTEGER NOT NULL, kind TEXT NOT NULL, vantage TEXT NOT NULL,
        detail TEXT NOT NULL
    ) STRICT""",
    "CREATE TABLE cursor (name TEXT PRIMARY KEY, position INTEGER NOT NULL) STRICT, WITHOUT ROWID",
)

_ENTRIES = (
    """CREATE TABLE entry (
        number INTEGER PRIMARY KEY AUTOINCREMENT, client TEXT NOT NULL, place INTEGER NOT NULL,
        kind TEXT NOT NULL, subject TEXT NOT NULL, service TEXT NOT NULL, at_us INTEGER NOT NULL,
        by TEXT NOT NULL, body TEXT NOT NULL, key TEXT, previous_sha256 TEXT NOT NULL,
        sha256 TEXT NOT NULL, UNIQUE (client, place), UNIQUE (client, kind, key)
    ) STRICT""",
    "CREATE INDEX entry_subject ON entry (client, kind, subject)",
    """CREATE TRIGGER entry_stays BEFORE UPDATE ON entry
        BEGIN SELECT raise(ABORT, 'an entry is never changed'); END""",
    """CREATE TRIGGER entry_remains BEFORE DELETE ON entry
        BEGIN SELECT raise(ABORT, 'an entry is never deleted'); END""",
)

_OUTBOX = (
    """CREATE TABLE mail (
        number TEXT PRIMARY KEY, key TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
        client TEXT NOT NULL, month TEXT NOT NULL, revision INTEGER NOT NULL,
        at_us INTEGER NOT NULL, subject TEXT NOT NULL, recipients TEXT NOT NULL,
        facts TEXT NOT NULL, sha256 TEXT NOT NULL, open INTEGER NOT NULL, message BLOB NOT NULL
    ) STRICT""",
    "CREATE INDEX mail_open ON mail (number) WHERE open = 1",
    "CREATE INDEX mail_of_month ON mail (month, client)",
    """CREATE TABLE mail_event (
        id INTEGER PRIMARY KEY, mail TEXT NOT NULL, at_us INTEGER NOT NULL, what TEXT NOT NULL,
        place INTEGER NOT NULL, by_whom TEXT NOT NULL, words TEXT NOT NULL, until_us INTEGER,
        server INTEGER NOT NULL
    ) STRICT""",
    "CREATE INDEX mail_event_of ON mail_event (mail, id)",
    """CREATE TABLE mail_since (
        client TEXT PRIMARY KEY, at_us INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID""",
    """CREATE TRIGGER mail_frozen BEFORE UPDATE OF
        number, key, kind, client, month, revision, at_us, subject, recipients, facts, sha256,
        message ON mail
        BEGIN SELECT raise(ABORT, 'a mail is frozen'); END""",
    """CREATE TRIGGER mail_kept BEFORE DELETE ON mail
        BEGIN SELECT raise(ABORT, 'a mail is never deleted'); END""",
    """CREATE TRIGGER mail_event_frozen BEFORE UPDATE ON mail_event
        BEGIN SELECT raise(ABORT, 'what happened to a mail stays as it was'); END""",
    """CREATE TRIGGER mail_event_kept BEFORE DELETE ON mail_event
        BEGIN SELECT raise(ABORT, 'what happened to a mail is never deleted'); END""",
)

_CONTRACTS = (
    """CREATE TABLE contract (
        client INTEGER NOT NULL, since_minute INTEGER NOT NULL, sha256 TEXT NOT NULL,
        canonical TEXT NOT NULL, PRIMARY KEY (client, since_minute)
    ) STRICT""",
    """CREATE TRIGGER contract_kept BEFORE DELETE ON contract
        BEGIN SELECT raise(ABORT, 'what was agreed is never deleted'); END""",
)

MIGRATIONS: Sequence[Sequence[str]] = (_FIRST, _ENTRIES, _OUTBOX, _CONTRACTS)
"""The statements that lead from version n to n + 1. What was released is never changed."""


class WrongFile(Exception):
    """The file is SQLite's, and not a journal that this program can use."""


def version_of(connection: sqlite3.Connection, *, newest: int = len(MIGRATIONS)) -> int:
    """Return the version of the file, 0 for an empty one.

    Raise `WrongFile` for a stranger's, and for one above *newest*.
    """
    found = int(connection.execute("PRAGMA user_version").fetchone()[0])
    owner = int(connection.execute("PRAGMA application_id").fetchone()[0])
    tables = int(connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0])
    if owner != APPLICATION_ID and (tables or found or owner):
        raise WrongFile("is a database of another program; name another path for the journal")
    if found > newest:
        raise WrongFile(
            f"was written by a newer uptimed (version {found} of the file, this program knows "
            f"{newest}); install that one again, or a newer one"
        )
    return found


def migrate(
    connection: sqlite3.Connection, migrations: Sequence[Sequence[str]] = MIGRATIONS
) -> None:
    """Bring the file to the version of this program, each step whole or not at all."""
    newest = len(migrations)
    connection.create_function("secret", 1, secrets.token_bytes)
    while version_of(connection, newest=newest) < newest:
        with transaction(connection):
            reached = version_of(connection, newest=newest)  # another process may be quicker
            if reached < newest:
                for statement in migrations[reached]:
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {reached + 1}")
