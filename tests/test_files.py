import csv
import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from myoseg.errors import OutputError
from myoseg.files import (
    folder_written_whole,
    sha256_of,
    write_csv,
    write_json,
    write_text,
    written_whole,
)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def full_disk(*_args, **_kwargs):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def tiny_disk(tmp_path):
    """A file system of 64 KiB, where this user may mount one."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("mounting a tiny disk takes root on Linux")
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    try:
        subprocess.run(mount, check=True, capture_output=True, timeout=20)
    except (OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"no tiny disk can be mounted here: {error}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True, capture_output=True, timeout=20)


def test_a_file_appears_with_its_content_and_alone(tmp_path):
    path = tmp_path / "new" / "folder" / "case_seg.nii.gz"

    with written_whole(path) as aside:
        aside.write_bytes(b"abc")
        assert not path.exists()

    assert path.read_bytes() == b"abc"
    assert names_in(path.parent) == ["case_seg.nii.gz"]


def test_the_temporary_name_keeps_the_folder_and_the_suffixes(tmp_path):
    with written_whole(tmp_path / "case_seg.nii.gz") as aside:
        aside.touch()
        assert aside.parent == tmp_path
        assert aside.suffixes == [".nii", ".gz"]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def write_half():
        with written_whole(path) as aside:
            aside.write_text("ne")
            raise RuntimeError("stopped half way")

    with pytest.raises(RuntimeError, match="half way"):
        write_half()

    assert path.read_text() == "old"
    assert names_in(tmp_path) == ["a.txt"]


def test_an_interrupt_leaves_nothing(tmp_path):
    def interrupted():
        with written_whole(tmp_path / "a.txt") as aside:
            aside.write_text("ne")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()

    assert names_in(tmp_path) == []


def test_a_full_disk_while_renaming_is_reported_with_path_and_remedy(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "replace", full_disk)

    with pytest.raises(OutputError, match=r"a\.txt: No space left on device; free some space"):
        write_text(tmp_path / "a.txt", "content")

    assert names_in(tmp_path) == []


def test_a_full_disk_while_flushing_is_reported_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", full_disk)

    with pytest.raises(OutputError, match="No space left"):
        write_text(tmp_path / "a.txt", "content")

    assert names_in(tmp_path) == []


def test_a_disk_that_is_really_full_is_reported_and_left_as_it_was(tiny_disk):
    write_text(tiny_disk / "small.txt", "fits")

    with pytest.raises(OutputError, match=r"large\.txt: No space left on device"):
        write_text(tiny_disk / "large.txt", "x" * 200_000)

    assert names_in(tiny_disk) == ["small.txt"]
    assert (tiny_disk / "small.txt").read_text() == "fits"


def test_a_file_in_the_folders_place_is_reported(tmp_path):
    (tmp_path / "out").write_text("I am a file")

    with pytest.raises(OutputError, match=r"cannot write .*a\.txt"):
        write_text(tmp_path / "out" / "a.txt", "content")


def test_a_folder_in_the_files_place_is_reported(tmp_path):
    (tmp_path / "a.txt" / "inside").mkdir(parents=True)

    with pytest.raises(OutputError, match=r"cannot write .*a\.txt"):
        write_text(tmp_path / "a.txt", "content")

    assert names_in(tmp_path) == ["a.txt"]


def test_text_is_utf_8_with_plain_line_ends(tmp_path):
    write_text(tmp_path / "a.txt", "µ\nb\n")

    assert (tmp_path / "a.txt").read_bytes() == b"\xc2\xb5\nb\n"


def test_json_comes_back_as_it_was(tmp_path):
    record = {"name": "Müller", "values": [1, 2.5, None], "empty": {}}

    write_json(tmp_path / "a.json", record)

    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == record
    assert (tmp_path / "a.json").read_text(encoding="utf-8").endswith("}\n")


def test_json_has_no_nan_and_none_is_written(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"dice": float("nan")})

    assert names_in(tmp_path) == []


def test_a_table_is_written_with_its_header_and_empty_fields(tmp_path):
    write_csv(tmp_path / "a.csv", ("case", "dice"), [("a, b", 0.5), ("c", None)])

    assert (tmp_path / "a.csv").read_bytes() == b'case,dice\n"a, b",0.5\nc,\n'


def test_sha256_is_the_standards_own_example(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    (tmp_path / "empty").touch()

    assert sha256_of(tmp_path / "abc") == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
    assert sha256_of(tmp_path / "empty") == (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )


def test_a_folder_takes_the_place_of_the_one_before_whole_or_not_at_all(tmp_path):
    path = tmp_path / "new" / "folder"

    def fill(name, fails=False):
        with folder_written_whole(path) as aside:
            (aside / name).write_text("abc")
            if fails:
                raise KeyboardInterrupt

    fill("a")
    assert names_in(path) == ["a"]
    with pytest.raises(KeyboardInterrupt):
        fill("b", fails=True)
    assert names_in(path) == ["a"]
    fill("c")
    assert names_in(path) == ["c"]
    assert names_in(path.parent) == ["folder"]


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "taken").write_text("a file")
    for path in (tmp_path / "taken" / "folder", tmp_path / "taken"):
        with (
            pytest.raises(OutputError, match=r"cannot write .*choose another output folder"),
            folder_written_whole(path),
        ):
            pass
    assert names_in(tmp_path) == ["taken"]


def test_texts_that_a_spreadsheet_would_take_for_formulas_are_marked(tmp_path):
    names = ['=HYPERLINK("http://x")', "+1+1", "-case", "@SUM(A1)", "\t=1", "case=1", "a-b", ""]
    numbers = [-1.5, "-1.5", "+2", None]
    write_csv(tmp_path / "a.csv", ["name", "value"], [*([each, 1] for each in names), numbers])
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))
    marked = [f"'{each}" for each in names[:5]]
    assert [row[0] for row in rows[1:-1]] == [*marked, *names[5:]]
    assert rows[-1] == ["-1.5", "-1.5", "+2", ""]
