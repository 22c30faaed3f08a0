"""A path enters; a connection to a node's database leaves, unless it is damaged or foreign."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from myoseg.errors import ConfigurationError
from myoseg.serving.node.durable import Step, no_step

APPLICATION: Final = 0x4D594F53
"""What SQLite calls the application's identifier: MYOS."""

FORMAT: Final = 2
"""Of the tables."""

PATIENCE_S: Final = 30.0
"""How long another process may hold the database."""

_TRIES: Final = """
CREATE TABLE tries (
    study INTEGER NOT NULL REFERENCES studies (number),
    version INTEGER NOT NULL,
    destination TEXT NOT NULL,
    n_times INTEGER NOT NULL,
    due_at REAL NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (study, version, destination)
) WITHOUT ROWID;
"""
"""Of returning results to a destination, in vain; format 1 had no such table."""

_TABLES: Final = (
    """
CREATE TABLE studies (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL,
    version INTEGER NOT NULL DEFAULT 1,
    attempts INTEGER NOT NULL DEFAULT 0,
    interruptions INTEGER NOT NULL DEFAULT 0,
    sendings INTEGER NOT NULL DEFAULT 0,
    received_at REAL NOT NULL,
    instance_at REAL NOT NULL,
    changed_at REAL NOT NULL,
    due_at REAL NOT NULL DEFAULT 0,
    unreleased INTEGER NOT NULL DEFAULT 0,
    gap TEXT NOT NULL DEFAULT '',
    gap_at REAL NOT NULL DEFAULT 0,
    reason TEXT NOT NULL DEFAULT ''
);
CREATE INDEX studies_by_state ON studies (state, due_at);
CREATE TABLE instances (
    study INTEGER NOT NULL REFERENCES studies (number),
    key TEXT NOT NULL,
    content TEXT NOT NULL,
    n_bytes INTEGER NOT NULL,
    PRIMARY KEY (study, key)
) WITHOUT ROWID;
CREATE TABLE deliveries (
    study INTEGER NOT NULL REFERENCES studies (number),
    version INTEGER NOT NULL,
    destination TEXT NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (study, version, destination)
) WITHOUT ROWID;
CREATE TABLE history (
    study INTEGER NOT NULL REFERENCES studies (number),
    version INTEGER NOT NULL,
    state TEXT NOT NULL,
    at REAL NOT NULL,
    reason TEXT NOT NULL
);
"""
    + _TRIES
)
"""Keys and contents are SHA-256: of a study's or an instance's identifier, and of a file."""


def open_database(path: Path) -> sqlite3.Connection:
    """Opens the database, and makes it where it is missing or empty.

    Every transaction is on the disk when it is committed.

    Raises:
        ConfigurationError: the file is damaged, no database, another program's or of another
            format; or it is locked, or cannot be read or written.
    """
    with faults_told(path):
        connection = sqlite3.connect(
            path, timeout=PATIENCE_S, isolation_level=None, check_same_thread=False
        )
        try:
            _prepare(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.row_factory = sqlite3.Row
    if connection.execute("PRAGMA quick_check").fetchone()[0] != "ok":
        raise refused(path, "is damaged")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    with transaction(connection):
        _require_ours(connection, path)


@contextmanager
def faults_told(path: Path) -> Iterator[None]:
    """Within it what SQLite says of a database is told with the file and the remedy.

    Raises:
        ConfigurationError: the database is locked, damaged, or cannot be read or written.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise _in_words(path, error) from error


def _in_words(path: Path, error: sqlite3.Error) -> ConfigurationError:
    # The lower byte is the kind of fault.
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in _DAMAGED:
        return refused(path, "is damaged or no database")
    if code in _LOCKED:
        return ConfigurationError(
            f"{path} is locked by another program, and was for {PATIENCE_S:g} s; end what holds it "
            "(a running node holds it for a moment only), and try again."
        )
    remedy = _REMEDIES.get(code, "give another --folder")
    return ConfigurationError(f"{path} cannot be used ({error}); {remedy}.")


@contextmanager
def transaction(connection: sqlite3.Connection, step: Step = no_step) -> Iterator[None]:
    """What is written within it is on the disk as a whole or not at all.

    Raises:
        sqlite3.Error: it could not be written, as where the disk is full; nothing was.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        step("begun")
        yield
        step("before commit")
        connection.execute("COMMIT")
    except Exception:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    step("committed")


_DAMAGED: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT)
_LOCKED: Final = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_RIGHTS: Final = "have its owner type the command, or let this user read and write its folder"
_REMEDIES: Final = {
    sqlite3.SQLITE_FULL: "free some space on its disk",
    sqlite3.SQLITE_IOERR: "look after its disk, which must be a local one",
    sqlite3.SQLITE_CANTOPEN: _RIGHTS,
    sqlite3.SQLITE_READONLY: _RIGHTS,
    sqlite3.SQLITE_PERM: _RIGHTS,
    sqlite3.SQLITE_AUTH: _RIGHTS,
}


def _require_ours(connection: sqlite3.Connection, path: Path) -> None:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    n_tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if not n_tables and not application:
        _make(connection, _TABLES)
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
    elif application != APPLICATION:
        raise refused(path, "is another program's")
    elif version == 1:
        _make(connection, _TRIES)
    elif version != FORMAT:
        raise refused(path, f"is of format {version}, and this version reads format {FORMAT}")


def _make(connection: sqlite3.Connection, tables: str) -> None:
    for statement in filter(str.strip, tables.split(";")):
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {FORMAT}")


def refused(path: Path, fault: str) -> ConfigurationError:
    """What is said of a database that tells nothing any more."""
    return ConfigurationError(
        f"{path} {fault}, so the node cannot tell what it has done; restore it from a copy, or "
        "give another --folder and send again the studies that have no result."
    )
