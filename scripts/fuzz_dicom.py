"""Damaged DICOM through all that reads it: `python scripts/fuzz_dicom.py --seconds 600 --seed 0`.

Sound files are simulated studies of four vendors (classic, enhanced, with a cine and other series),
the same in other transfer syntaxes (big-endian, implicit, deflated, RLE), images that come with
pydicom in JPEG, JPEG-LS and JPEG 2000, and this program's own SEG and SR. Of each input one file is
altered: by structure (an element's value, type or place, at any depth; items repeated, removed,
nested; sizes and counts that disagree with the pixels) or by bytes (flipped, cut, inserted, lengths
overwritten, parts of other files). In most inputs it lies in a folder alone, in the others among
one to three sound files of its series. The folder is inspected, read as `myoseg predict` reads it
(without networks), and de-identified.

Whatever is refused must be refused with this package's own errors. Counted are inputs, refusals,
exceptions of another kind, processes that died, inputs that took a minute of a processor, files
outside the output folder, and names of patients in what was de-identified. Peak memory is that of
the largest process. Exits with 1 if anything but refusals was found; `--keep FOLDER` keeps such
inputs. The same seed makes the same inputs, as far as time lets it come.

Compressed pixels are decoded in a process apart, as they are in use; here it is a fork of a process
that has the decoders in memory, except for one input in fifty, since Python takes long to start.
"""

import argparse
import copy
import io
import json
import logging
import multiprocessing
import os
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import numpy as np
import pydicom
from pydicom.data import get_testdata_file
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from myoseg.anatomy import Tissue
from myoseg.cases.aligned_case import read_aligned_case
from myoseg.cases.case import LabelMap, Segmentation
from myoseg.cases.dicom import decoding
from myoseg.cases.dicom.deidentify_folder import deidentify_folder
from myoseg.cases.dicom.inspection import inspect_folder
from myoseg.cases.dicom.originals import originals_of_source
from myoseg.cases.dicom.pseudonyms import PseudonymKey
from myoseg.cases.dicom.simulated.vendors import vendor_called
from myoseg.cases.dicom.write_study import write_dicom_study
from myoseg.cases.finding import find_any_cases
from myoseg.cases.phantom import SMALL, clinical
from myoseg.cases.phantom.study import simulate_study
from myoseg.errors import MyosegError
from myoseg.quantification.measures import measure
from myoseg.reporting.dicom_results import save_dicom_results

NAME: Final = b"Zyxwvut"
REAL_DECODER: Final = decoding.answer_of_process
LONGEST_S: Final = 60.0
"""Of a processor, for an input."""

LONGEST_SILENCE_S: Final = 600.0
MOST_COPIED: Final = 4000
"""Elements that a change may add by copies."""

BATCH: Final = 1000
ALONE: Final = 0.7
"""Part of the inputs of which the altered file is the only one."""

REAL_DECODER_EVERY: Final = 50
LARGEST_BYTES: Final = 1 << 17
MEMORY: Final = Path("/dev/shm")
"""A disk in memory, on which files cost next to nothing."""

KEY: Final = PseudonymKey(b"a key that everybody knows")
QUICK: Final = replace(
    clinical(SMALL),
    n_sub_slices=1,
    supersampling=1,
    bssfp_grid=replace(SMALL.bssfp_grid, spacing_mm=(4.0, 4.2)),
    lge_grid=replace(SMALL.lge_grid, spacing_mm=(3.8, 4.0)),
    t2_grid=replace(SMALL.t2_grid, spacing_mm=(4.2, 4.4)),
)
COMPRESSED: Final = (
    *("MR_small_RLE.dcm", "MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm"),
    *("MR_small_bigendian.dcm", "MR_small_implicit.dcm", "image_dfl.dcm", "badVR.dcm"),
    *("emri_small_RLE.dcm", "emri_small_jpeg_2k_lossless.dcm", "JPEG2000.dcm"),
)
VALUES: Final[tuple[tuple[str, Any], ...]] = (
    *(("DS", "nan"), ("DS", "1e309"), ("DS", "-1"), ("DS", ""), ("DS", ["1", "2", "3", "4"])),
    *(("IS", "-1"), ("IS", "2147483648"), ("IS", "0"), ("IS", "99999999999")),
    *(("US", 0), ("US", 1), ("US", 65535), ("US", [1, 2]), ("FD", 1e300), ("FD", float("nan"))),
    *(("UL", 4294967295), ("SS", -32768), ("AT", 0x7FE00010), ("OB", b"\xff\xff"), ("OB", b"")),
    *(("LO", "../../evil"), ("LO", "a" * 70000), ("CS", ""), ("CS", "MONOCHROME1"), ("SQ", [])),
    *(("UI", "1.2.840.10008.1.2.4.90"), ("UI", "../../evil"), ("UI", "1." * 40), ("PN", "^^==\\")),
    *(("DA", "19570413"), ("TM", "250000"), ("UN", b"\0\1\2\3"), ("DS", ["1e-300"] * 6)),
)
SIZES: Final = (
    *("Rows", "Columns", "NumberOfFrames", "BitsAllocated", "BitsStored", "HighBit"),
    *("SamplesPerPixel", "PixelRepresentation", "PixelSpacing", "ImageOrientationPatient"),
    *("ImagePositionPatient", "SOPClassUID", "RescaleSlope", "SliceThickness", "TriggerTime"),
    *("PerFrameFunctionalGroupsSequence", "ContentSequence", "SegmentSequence", "PixelData"),
)


def main() -> None:
    """Prints what was found."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=600.0, help="after which no input follows")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="where inputs that fail are kept")
    asked = parser.parse_args()
    counts = Counter[str]()
    failures: list[str] = []
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as name:
        sound = sound_files(Path(name) / "sound")
        kinds = Counter(kind for kind, _ in sound)
        print("sound files:", ", ".join(f"{n} {kind}" for kind, n in kinds.items()), flush=True)
        started, number = time.monotonic(), 0
        cpu_before_s = time.process_time()
        while time.monotonic() - started < asked.seconds:
            left_s = asked.seconds - (time.monotonic() - started)
            place = Path(name) / "work"
            number = _batch(sound, asked, number, left_s, counts, failures, place)
    seconds = time.monotonic() - started
    peak_mib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
    rate = counts["inputs"] / max(seconds, 1.0)
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu_s = sum(each.ru_utime + each.ru_stime for each in used) - cpu_before_s
    print(
        f"{cpu_s:.0f} s of a processor, {1000 * cpu_s / max(counts['inputs'], 1):.0f} ms an input"
    )
    print(f"{seconds:.0f} s, {rate:.1f} inputs/s, peak memory {peak_mib} MiB")
    print(", ".join(f"{name}: {counts[name]}" for name in sorted(counts)))
    for each in failures:
        print(each)
    sys.exit(1 if failures else 0)


def _batch(
    sound: list[tuple[str, bytes]],
    asked: argparse.Namespace,
    first: int,
    seconds: float,
    counts: Counter[str],
    failures: list[str],
    place: Path,
) -> int:
    """Lets a process do inputs from `first` on; the number of the next one."""
    ours, theirs = multiprocessing.Pipe()
    context = multiprocessing.get_context("fork")
    worker = context.Process(target=_work, args=(theirs, sound, asked, first, seconds, place))
    worker.start()
    theirs.close()
    number, fault = first, ""
    try:
        while ours.poll(LONGEST_SILENCE_S):
            outcome, words = ours.recv()
            if outcome == "next":
                continue
            number += outcome == "done"
            if outcome == "failed":
                failures.append(f"input {number}: {words}")
                counts["failures"] += 1
            elif outcome != "end":
                counts.update(words if isinstance(words, dict) else {})
        fault = "took too long"
    except EOFError:
        worker.join()
        fault = f"process ended with {worker.exitcode}" if worker.exitcode else ""
        if worker.exitcode == -signal.SIGPROF:
            fault = f"took too long: more than {LONGEST_S:g} s of a processor"
    if fault:
        worker.kill()
        worker.join()
        failures.append(f"input {number}: {fault}")
        counts["hangs" if "long" in fault else "deaths"] += 1
        _keep(place, asked.keep, number)
        number += 1
    shutil.rmtree(place, ignore_errors=True)
    return number


def _work(
    pipe: Connection,
    sound: list[tuple[str, bytes]],
    asked: argparse.Namespace,
    first: int,
    seconds: float,
    place: Path,
) -> None:
    """A batch, in a process of its own."""
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    started = time.monotonic()
    for number in range(first, first + BATCH):
        if time.monotonic() - started > seconds:
            return
        is_real = number % REAL_DECODER_EVERY == 0
        decoding.answer_of_process = REAL_DECODER if is_real else answer_of_fork
        rng = np.random.default_rng([asked.seed, number])
        shutil.rmtree(place, ignore_errors=True)
        kind = write_input(sound, rng, place / "in")
        # Once it is over, this process is ended by a signal.
        signal.setitimer(signal.ITIMER_PROF, LONGEST_S)
        told = Counter({"inputs": 1, f"of {kind}": 1})
        try:
            told += exercise(place)
        except Exception:
            _keep(place, asked.keep, number)
            lines = traceback.format_exc().strip().splitlines()
            pipe.send(("failed", f"{kind}: {lines[-1][:200]} | {' '.join(lines[-3:-1])[:300]}"))
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        pipe.send(("done", dict(told)))


def answer_of_fork(asked: bytes, longest_s: float) -> bytes:
    """As `decoding.answer_of_process`, of a fork of this process."""
    asked_at, to_child = os.pipe()
    from_child, answered_at = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.dup2(asked_at, 0)
            os.dup2(answered_at, 1)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            os.closerange(3, 256)
            sys.stdin = open(0, closefd=False)  # noqa: SIM115
            decoding.answer()
        finally:
            os._exit(0)
    os.close(asked_at)
    os.close(answered_at)
    with os.fdopen(to_child, "wb") as stream:
        stream.write(asked)
    answer, until = b"", time.monotonic() + longest_s
    while select.select([from_child], [], [], max(0.0, until - time.monotonic()))[0]:
        piece = os.read(from_child, 1 << 20)
        if not piece:
            break
        answer += piece
    os.close(from_child)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return answer


def exercise(place: Path) -> Counter[str]:
    """All that a user could do with a folder; what was refused."""
    told: Counter[str] = Counter()
    source = place / "in"
    try:
        found = inspect_folder(source)
        assert found.to_text()
        json.dumps(found.to_record(), allow_nan=False)
    except MyosegError:
        told["inspection refused"] += 1
    try:
        for files in find_any_cases(source, must_be_dicom=True):
            try:
                case = read_aligned_case(files, "geometry").case
                assert all(np.isfinite(image).all() for image in case.images.values())
                told["cases read"] += 1
            except MyosegError:
                told["cases refused"] += 1
    except MyosegError:
        told["folders refused"] += 1
    result = deidentify_folder(source, place / "out", KEY)
    told["deidentified"] += result.n_written
    told["left out of deidentification"] += sum(result.left_out.values())
    written = [each for each in place.rglob("*") if each.is_file() and each.parent != source]
    assert len(written) == result.n_written, "other files than those told"
    for each in written:
        assert each.resolve().is_relative_to((place / "out").resolve()), "a file outside"
        assert NAME not in each.read_bytes(), "a name is left"
    assert not list(place.parent.rglob("*evil*")), "a file named by an identifier"
    return told


def _keep(place: Path, folder: Path | None, number: int) -> None:
    if folder is not None and (place / "in").is_dir():
        shutil.copytree(place / "in", folder / str(number), dirs_exist_ok=True)


def sound_files(folder: Path) -> list[tuple[str, bytes]]:
    """Files by kind, all of a patient of one name."""
    found: list[tuple[str, bytes]] = []
    choices = (("siemens", False), ("philips", True), ("ge", False), ("canon", True))
    for seed, (vendor, enhanced) in enumerate(choices):
        place = folder / vendor
        write_dicom_study(
            simulate_study(seed, QUICK),
            place,
            seed=seed,
            config=QUICK,
            vendor=vendor_called(vendor),
            enhanced=enhanced,
            n_phases=1 if vendor == "ge" else 2,
            distractors=vendor == "siemens",
        )
        kind = "enhanced" if enhanced else "classic"
        paths = sorted((place / "dicom").rglob("*.dcm"))
        found += [(kind, _named(pydicom.dcmread(path))) for path in paths]
        if vendor == "siemens":
            found += [("seg and sr", each) for each in _results(place / "dicom", folder / "out")]
    for kind, syntax in (
        *(("big-endian", ExplicitVRBigEndian), ("implicit", ImplicitVRLittleEndian)),
        *(("deflated", DeflatedExplicitVRLittleEndian), ("RLE", RLELossless)),
    ):
        for _, content in found[:60:12]:
            found.append((kind, _in_syntax(content, syntax)))
    for name in COMPRESSED:
        path = get_testdata_file(name, download=False)
        if path is not None:
            found.append(("pydicom's", Path(path).read_bytes()))
    return found


def _named(dataset: Dataset) -> bytes:
    dataset.PatientName = dataset.OperatorsName = f"{NAME.decode()}^Q"
    dataset.ImageComments = dataset.PatientID = NAME.decode()
    return as_bytes(dataset)


def _in_syntax(content: bytes, syntax: pydicom.uid.UID) -> bytes:
    dataset = pydicom.dcmread(io.BytesIO(content))
    if syntax.is_encapsulated:
        dataset.compress(syntax, generate_instance_uid=False)
    dataset.file_meta.TransferSyntaxUID = syntax
    stream = io.BytesIO()
    pydicom.dcmwrite(
        stream,
        dataset,
        little_endian=syntax.is_little_endian,
        implicit_vr=syntax.is_implicit_VR,
        force_encoding=True,
    ) if syntax == ExplicitVRBigEndian else dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def _results(study: Path, out: Path) -> list[bytes]:
    """SEG and SR on a study's LGE."""
    (files,) = find_any_cases(study, must_be_dicom=True)
    assert files.dicom is not None
    case = read_aligned_case(files, "geometry").case
    codes = np.zeros(case.geometry.shape, np.int16)
    codes[:, 4:14, 4:14], codes[:, 4:7, 4:14] = Tissue.NORMAL_MYOCARDIUM, Tissue.SCAR
    labels = LabelMap(codes)
    found = Segmentation("x", labels, case.geometry)
    originals = originals_of_source(files.dicom, case.geometry)
    paths = save_dicom_results(found, measure(labels, case.geometry), originals, out)
    return [_named(pydicom.dcmread(path)) for path in paths]


def write_input(sound: list[tuple[str, bytes]], rng: np.random.Generator, folder: Path) -> str:
    """A folder of one altered file and a few sound neighbours; the altered one's kind."""
    folder.mkdir(parents=True)
    kinds = sorted({kind for kind, _ in sound})
    kind = kinds[int(rng.integers(len(kinds)))]
    places = [index for index, (each, _) in enumerate(sound) if each == kind]
    at = places[int(rng.integers(len(places)))]
    content, is_by_bytes = sound[at][1], rng.random() < 0.4
    changed = by_bytes(content, sound, rng) if is_by_bytes else by_structure(content, rng)
    (folder / "altered").write_bytes(changed)
    n_neighbours = 0 if rng.random() < ALONE else int(rng.integers(1, 4))
    for number in range(n_neighbours):
        neighbour = sound[(at + 1 + number) % len(sound)]
        (folder / f"sound{number}").write_bytes(neighbour[1])
    return f"{kind}, {'bytes' if is_by_bytes else 'structure'}"


def by_bytes(content: bytes, sound: list[tuple[str, bytes]], rng: np.random.Generator) -> bytes:
    """One to eight changes of bytes, most of them in the header."""
    made = bytearray(content)
    for _ in range(int(rng.integers(1, 9))):
        span = len(made) if rng.random() < 0.3 else min(len(made), 3000)
        at = int(rng.integers(0, max(1, span)))
        change = int(rng.integers(6))
        if change == 0:
            made[at : at + 1] = bytes([int(rng.integers(256))])
        elif change == 1:
            made[at : at + 4] = (b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\0")[at % 3]
        elif change == 2:
            del made[at : at + int(rng.integers(1, 64))]
        elif change == 3:
            made[at:at] = rng.bytes(int(rng.integers(1, 32)))
        elif change == 4:
            other = sound[int(rng.integers(len(sound)))][1]
            start = int(rng.integers(0, len(other)))
            part = other[start : start + 400].replace(NAME, b"zyxwvu.")
            made[at : at + 200] = part
        elif rng.random() < 0.3:
            del made[max(at, 140) :]
    return bytes(made)


def by_structure(content: bytes, rng: np.random.Generator) -> bytes:
    """One to five changes of elements at any depth; what pydicom does not write is left out.

    No change follows one that made much of little, as copies of copies would fill the memory.
    """
    made = content
    for _ in range(int(rng.integers(1, 6))):
        try:
            dataset = pydicom.dcmread(io.BytesIO(made), force=True)
            _change(dataset, rng)
            made = as_bytes(dataset)
        except Exception:
            continue  # pydicom raises nearly anything where it cannot read or write what was set.
        if len(made) > LARGEST_BYTES:
            break
    return made


def _change(dataset: Dataset, rng: np.random.Generator) -> None:
    item, depth = dataset, 0
    while rng.random() < 0.6 and depth < 6:
        inner = [each for each in item if each.VR == "SQ" and each.value]
        if not inner:
            break
        chosen = inner[int(rng.integers(len(inner)))]
        item, depth = chosen.value[int(rng.integers(len(chosen.value)))], depth + 1
    tags = list(item.keys())
    if not tags:
        return
    known = [pydicom.tag.Tag(name) for name in SIZES if name in item]
    use_known = known and rng.random() < 0.5
    tag = known[int(rng.integers(len(known)))] if use_known else tags[int(rng.integers(len(tags)))]
    change = int(rng.integers(7))
    if change <= 2:
        representation, value = VALUES[int(rng.integers(len(VALUES)))]
        given = Items() if representation == "SQ" else value
        item[tag] = DataElement(tag, representation, given, already_converted=True)
    elif change == 3:
        del item[tag]
    elif change == 4 and item[tag].VR == "SQ":
        _change_items(item[tag].value, rng)
    elif change == 5:
        dataset[tag] = copy.deepcopy(item[tag])
    else:
        syntaxes = ("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.5")
        dataset.file_meta.TransferSyntaxUID = pydicom.uid.UID(syntaxes[int(rng.integers(3))])


def _change_items(items: Items, rng: np.random.Generator) -> None:
    if not items:
        return
    chosen = copy.deepcopy(items[int(rng.integers(len(items)))])
    change = int(rng.integers(3))
    if change == 0:
        most = max(2, min(200, MOST_COPIED // max(1, sum(1 for _ in chosen.iterall()))))
        items.extend(copy.deepcopy(chosen) for _ in range(int(rng.integers(1, most))))
    elif change == 1:
        del items[int(rng.integers(len(items))) :]
    else:
        for _ in range(int(rng.integers(1, 300))):
            outer = Dataset()
            outer.ContentSequence = Items([chosen])
            chosen = outer
        items.append(chosen)


def as_bytes(dataset: Dataset) -> bytes:
    """As a file holds it, its encoding left as the file meta has it.

    Where an element cannot be written, pydicom would repeat the message of each level in that of
    the level above, so that a deep report fills the memory.
    """
    stream, plainly = io.BytesIO(), patch("pydicom.filewriter.tag_in_exception", _nothing_told)
    with pydicom.config.disable_value_validation(), warnings.catch_warnings(), plainly:
        warnings.simplefilter("ignore")
        dataset.save_as(stream)
    return stream.getvalue()


def _nothing_told(_: object) -> AbstractContextManager[None]:
    return nullcontext()


if __name__ == "__main__":
    main()
