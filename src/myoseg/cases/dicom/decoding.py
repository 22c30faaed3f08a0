"""Compressed images enter as files; their stored values leave, decoded in a process of its own.

GDCM ends its process where some damaged streams are met, and pyjpegls may take a minute over them:
neither may end or hold up a cohort.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import Shaped
from pydicom.dataset import Dataset
from pydicom.pixels.utils import pixel_array
from pydicom.uid import JPEGLSLossless, JPEGLSNearLossless

from myoseg.cases.dicom.elements import text
from myoseg.cases.dicom.opening import read_whole
from myoseg.errors import InputError

Stored = Shaped[np.ndarray, "..."]

LONGEST_START_S: Final = 60.0
LONGEST_FRAME_S: Final = 5.0
_GONE: Final = "they are damaged, so that their decoder gave up or took too long"


def decode(dataset: Dataset, index: int) -> Stored:
    """One frame's stored values, in this process.

    JPEG-LS is left to GDCM alone, which refuses at once what pyjpegls searches for long.
    """
    syntax = text(dataset.file_meta, 0x00020010)
    plugin = "gdcm" if syntax in (JPEGLSLossless, JPEGLSNearLossless) else ""
    return np.asarray(pixel_array(dataset, index=index, raw=True, decoding_plugin=plugin))


def decode_apart(frames: Sequence[tuple[Path, int]]) -> list[Stored]:
    """The stored values of frames, given by file and index from 0, decoded in another process.

    Raises:
        InputError: a frame cannot be decoded, takes too long or ends the process; its file is
            named.
    """
    decoded = []
    for each in _asked(frames):
        if isinstance(each, InputError):
            raise each
        decoded.append(each)
    if len(decoded) < len(frames):
        raise undecodable(frames[len(decoded)][0], _GONE)
    return decoded


def decode_each_apart(frames: Sequence[tuple[Path, int]]) -> list[Stored | InputError]:
    """The same of each frame by itself: what is wrong with one does not touch the others."""
    found: list[Stored | InputError] = []
    while len(found) < len(frames):
        left = frames[len(found) :]
        answers = _asked(left)
        found += answers
        if len(answers) < len(left):
            found.append(undecodable(left[len(answers)][0], _GONE))
    return found


def _asked(frames: Sequence[tuple[Path, int]]) -> list[Stored | InputError]:
    """What another process says of frames, up to the one that ended it or took too long."""
    asked = json.dumps([[str(path), index] for path, index in frames]).encode()
    answer = answer_of_process(asked, LONGEST_START_S + LONGEST_FRAME_S * len(frames))
    found: list[Stored | InputError] = []
    for path, _ in frames:
        line, end, answer = answer.partition(b"\n")
        if not end:
            break
        told: dict[str, Any] = json.loads(line)
        if "fault" in told:
            found.append(undecodable(path, told["fault"]))
            continue
        n_bytes = int(told["n_bytes"])
        if len(answer) < n_bytes:
            break
        values = np.frombuffer(answer[:n_bytes], np.dtype(told["dtype"]))
        found.append(values.reshape(told["shape"]))
        answer = answer[n_bytes:]
    return found


def answer_of_process(asked: bytes, longest_s: float) -> bytes:
    """What another process answers, as far as it came before the process ended or took too long.

    Args:
        asked: what it reads, as `answer` takes it.
        longest_s: that it may take, in seconds.
    """
    try:
        return subprocess.run(  # noqa: S603 -- this very module
            [sys.executable, "-m", __name__],
            input=asked,
            capture_output=True,
            timeout=longest_s,
            check=False,
        ).stdout
    except subprocess.TimeoutExpired as error:
        return error.stdout or b""


def undecodable(path: Path, why: object) -> InputError:
    """What is said of pixels that cannot be read."""
    return InputError(f"the pixels of {path} cannot be read: {why}; copy or export it again.")


def in_a_line(error: Exception) -> str:
    """What a decoder said, shortened."""
    return " ".join(str(error).split())[:200] or type(error).__name__


def _answer(path: Path, index: int) -> tuple[dict[str, Any], bytes]:
    try:
        values = decode(read_whole(path), index)
    except Exception as error:
        # Decoders raise nearly anything on damaged pixels.
        return {"fault": in_a_line(error)}, b""
    content = np.ascontiguousarray(values).tobytes()
    told = {"dtype": values.dtype.str, "shape": values.shape, "n_bytes": len(content)}
    return told, content


def answer() -> None:
    """What the other process does: frames in as JSON, each out as a line and its bytes.

    What decoders print themselves goes to the error stream, out of the way.
    """
    with os.fdopen(os.dup(1), "wb") as out:
        os.dup2(2, 1)
        for path, index in json.loads(sys.stdin.buffer.read()):
            told, content = _answer(Path(path), index)
            out.write(json.dumps(told).encode() + b"\n" + content)
            out.flush()


if __name__ == "__main__":
    answer()
