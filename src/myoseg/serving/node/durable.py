"""Files and folders enter; they are on the disk, and stay there if the power fails, on return."""

import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, TypeAlias

Step: TypeAlias = Callable[[str], None]
"""Called between any two things that must survive a crash between them, with a name for it."""


def no_step(name: str) -> None:
    """What is done between two steps where nobody asks to be called."""


FOLDER_MODE: Final = 0o700
"""Of what holds images: for the owner alone."""


def keep_file(path: Path) -> None:
    """Waits until a file's content is on the disk.

    Raises:
        OSError: it cannot be put there.
    """
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def keep_folder(path: Path) -> None:
    """Waits until a folder's names are on the disk; Windows does so by itself.

    Raises:
        OSError: they cannot be put there.
    """
    if os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(path: Path) -> None:
    """Makes a folder, where it is missing, that only its owner can open.

    Raises:
        OSError: it cannot be made.
    """
    if not path.is_dir():
        path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        keep_folder(path.parent)


def move_file(source: Path, target: Path, step: Step = no_step) -> None:
    """Moves a finished file to its place on the same disk.

    Raises:
        OSError: it cannot be put there.
    """
    make_folder(target.parent)
    step("folder made")
    source.replace(target)
    step("file moved")
    keep_folder(target.parent)


def move_folder(source: Path, target: Path, step: Step = no_step) -> None:
    """Moves a folder of finished files to its place; what stands there goes.

    Raises:
        OSError: it cannot be put there.
    """
    for path in source.iterdir():
        keep_file(path)
    keep_folder(source)
    make_folder(target.parent)
    remove((target,))
    step("results on disk")
    source.replace(target)
    step("results moved")
    keep_folder(target.parent)


def remove(paths: Iterable[Path]) -> None:
    """Removes files and folders as far as they are there and can be removed."""
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            try:
                path.unlink(missing_ok=True)
            except OSError:
                continue
