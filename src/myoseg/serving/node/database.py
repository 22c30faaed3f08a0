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

FORMAT: Final = 1
"""Of the tables."""

_PATIENCE_S: Final = 30.0
"""How long another process may hold the database."""

_TABLES: Final = """
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
"""Keys and contents are SHA-256: of a study's or an instance's identifier, and of a file."""


def open_database(path: Path) -> sqlite3.Connection:
    """Opens the database, and makes it where it is missing or empty.

    Every transaction is on the disk when it is committed.

    Raises:
        ConfigurationError: the file is damaged, no database, another program's or of another
            format.
    """
    connection = sqlite3.connect(
        path, timeout=_PATIENCE_S, isolation_level=None, check_same_thread=False
    )
    try:
        connection.row_factory = sqlite3.Row
        if connection.execute("PRAGMA quick_check").fetchone()[0] != "ok":
            raise _refused(path, "is damaged")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        with transaction(connection):
            _require_ours(connection, path)
    except sqlite3.DatabaseError as error:
        connection.close()
        if isinstance(error, sqlite3.OperationalError):
            raise ConfigurationError(
                f"{path} cannot be opened ({error}); free some space or give another --folder."
            ) from error
        raise _refused(path, "is damaged or no database") from error
    except ConfigurationError:
        connection.close()
        raise
    return connection


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


def _require_ours(connection: sqlite3.Connection, path: Path) -> None:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    n_tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if not n_tables and not application:
        for statement in filter(str.strip, _TABLES.split(";")):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {FORMAT}")
    elif application != APPLICATION:
        raise _refused(path, "is another program's")
    elif version != FORMAT:
        raise _refused(path, f"is of format {version}, and this version reads format {FORMAT}")


def _refused(path: Path, fault: str) -> ConfigurationError:
    return ConfigurationError(
        f"{path} {fault}, so the node cannot tell what it has done; restore it from a copy, or "
        "give another --folder and send again the studies that have no result."
    )
