"""The process that segments: what becomes of a job where it, the disk or the model fails."""

import errno
import shutil
import threading
from types import SimpleNamespace

import pytest
from node_fakes import FakeSource, SourceThatTakesLong, SourceWithout

from myoseg.errors import InputError, ModelError, OutputError
from myoseg.serving.node.node import NodeOptions, run_node
from myoseg.serving.node.worker import Ending, Worker, _outcome


def raising(error, cause=None):
    def process(images, out):
        raise error from cause

    return process


@pytest.mark.parametrize(
    ("error", "cause", "ending"),
    [
        (OSError(errno.ENOSPC, "no space left"), None, Ending.PUT_OFF),
        (OutputError("cannot write"), OSError(errno.ENOSPC, "no space left"), Ending.PUT_OFF),
        (OutputError("cannot write"), None, Ending.PUT_OFF),
        (OSError(errno.EIO, "input or output error"), None, Ending.LOST),
        (FileNotFoundError(errno.ENOENT, "no such file"), None, Ending.LOST),
        (OutputError("cannot write"), OSError(errno.ENAMETOOLONG, "too long"), Ending.LOST),
        (InputError("no stack"), None, Ending.FAILED),
        (ValueError("Meier^Anna"), None, Ending.FAILED),
    ],
)
def test_only_what_may_pass_is_put_off_without_end(tmp_path, error, cause, ending):
    (tmp_path / "images").mkdir()
    outcome = _outcome(raising(error, cause), tmp_path / "images", tmp_path / "out")
    assert outcome.ending is ending
    assert outcome.reason
    assert "Meier" not in outcome.reason


@pytest.mark.parametrize(("free_bytes", "ending"), [(0, Ending.PUT_OFF), (2**30, Ending.LOST)])
def test_an_error_without_a_number_is_put_off_where_the_disk_is_full(
    tmp_path, monkeypatch, free_bytes, ending
):
    usage = SimpleNamespace(free=free_bytes)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    (tmp_path / "images").mkdir()
    error = OSError("4096 requested and 0 written")
    assert _outcome(raising(error), tmp_path / "images", tmp_path / "out").ending is ending


def test_a_process_that_cannot_be_started_again_costs_no_study_an_attempt(tmp_path):
    worker = Worker(SourceWithout(), 3.0, threading.Event())
    outcome = worker.run(tmp_path, tmp_path / "out")
    assert outcome.ending is Ending.PUT_OFF
    assert "there is no model" in outcome.reason


def test_a_node_without_its_model_is_refused(tmp_path, archive):
    with pytest.raises(ModelError, match="there is no model"):
        run_node(tmp_path / "state", NodeOptions(()), SourceWithout(), archive, threading.Event())


def test_a_node_that_is_stopped_while_its_model_loads_ends_without_an_error(tmp_path, archive):
    stop = threading.Event()
    stop.set()
    run_node(tmp_path / "state", NodeOptions(()), SourceThatTakesLong(), archive, stop)


def test_a_source_that_can_be_loaded_is_started(tmp_path):
    worker = Worker(FakeSource(), 3.0, threading.Event())
    worker.start()
    worker.end()
