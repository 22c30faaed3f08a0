"""How long a folder of DICOM files takes to scan, and how much memory, as it grows.

Each size is scanned in a process of its own, so that its peak memory is its own.

    python benchmarks/bench_dicom_scan.py [--full]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

SHORT_FORM = (500, 2_000)
FULL_FORM = (1_000, 3_000, 10_000, 30_000)
PER_SERIES = 250
"""A cine of 10 slices and 25 phases."""

PRIVATE_BYTES = 60_000
"""About as much as Siemens writes beside the image."""

MEASURE = """
import json, resource, sys, time
from pathlib import Path
from myoseg.cases.dicom.scan import scan_folder
from myoseg.cases.dicom.study import studies_of_scan
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
began = time.perf_counter()
scan = scan_folder(Path(sys.argv[1]))
scanned = time.perf_counter()
studies_of_scan(scan)
judged = time.perf_counter()
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([scan.n_dicom, scanned - began, judged - scanned, before / 1024, after / 1024]))
"""


def main() -> None:
    """Writes folders, scans each three times in turn and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="more and larger folders")
    sizes = FULL_FORM if parser.parse_args().full else SHORT_FORM
    with tempfile.TemporaryDirectory() as place:
        folders = {size: _write(Path(place) / str(size), size) for size in sizes}
        runs = [(size, _measured(folders[size])) for _ in range(3) for size in sizes]
        peer = {size: _dcmread_seconds(folders[size]) for size in sizes}
    print("| files | scan s | ms a file | choose s | pydicom.dcmread s | peak MiB | grown MiB |")
    print("|---|---|---|---|---|---|---|")
    for size in sizes:
        n_dicom, scan_s, choose_s, before, after = np.median(
            [values for each, values in runs if each == size], axis=0
        )
        print(
            f"| {n_dicom:.0f} | {scan_s:.2f} | {1e3 * scan_s / n_dicom:.2f} | {choose_s:.2f} "
            f"| {peer[size]:.2f} | {after:.0f} | {after - before:.0f} |"
        )


def _measured(folder: Path) -> list[float]:
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(folder)], check=True, capture_output=True, text=True
    )
    return [float(value) for value in json.loads(done.stdout)]


def _dcmread_seconds(folder: Path) -> float:
    """All headers read by pydicom alone, whole and not decoded."""
    began = time.perf_counter()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            pydicom.dcmread(path, stop_before_pixels=True)
    return time.perf_counter() - began


def _write(folder: Path, n_files: int) -> Path:
    """A study of cines, whose pixels are few: the scan does not read them."""
    study = generate_uid()
    series = [generate_uid() for _ in range(-(-n_files // PER_SERIES))]
    for k in range(n_files):
        number, index = divmod(k, PER_SERIES)
        place = folder / f"series{number:03d}"
        place.mkdir(parents=True, exist_ok=True)
        dataset = _instance(study, series[number], number, index)
        dataset.save_as(place / f"IM{index:05d}", enforce_file_format=True)
    return folder


def _instance(study: str, series: str, number: int, index: int) -> Dataset:
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.4", generate_uid()
    ds.StudyInstanceUID, ds.SeriesInstanceUID = study, series
    ds.Modality, ds.Manufacturer, ds.ImageType = "MR", "SIEMENS", ["ORIGINAL", "PRIMARY", "M"]
    ds.SeriesNumber, ds.InstanceNumber = number, index + 1
    ds.SeriesDescription, ds.SequenceName = f"cine_trufi_sax_{number}", "*tfi2d1_13"
    ds.ScanningSequence, ds.SequenceVariant = "GR", "SK"
    ds.RepetitionTime, ds.EchoTime, ds.FlipAngle = "40", "1.2", "60"
    ds.TriggerTime = str(30 * (index % 25))
    position = np.cross([0.7071068, 0.7071068, 0], [-0.4082483, 0.4082483, -0.8164966])
    ds.ImagePositionPatient = [f"{mm:.4f}" for mm in position * 10 * (index // 25)]
    ds.ImageOrientationPatient = [0.7071068, 0.7071068, 0, -0.4082483, 0.4082483, -0.8164966]
    ds.PixelSpacing, ds.SliceThickness = ["1.4", "1.4"], "8"
    ds.Rows, ds.Columns, ds.SamplesPerPixel = 16, 16, 1
    ds.PhotometricInterpretation, ds.PixelRepresentation = "MONOCHROME2", 0
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, 12, 11
    for extra in range(60):
        ds.add_new((0x0019, 0x1010 + extra), "LO", "beside the point")
    ds.add_new((0x0019, 0x0010), "LO", "SIEMENS MR HEADER")
    ds.add_new((0x0029, 0x0010), "LO", "SIEMENS CSA HEADER")
    ds.add_new((0x0029, 0x1010), "OB", bytes(PRIVATE_BYTES))
    ds.PixelData = bytes(512)
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return ds


if __name__ == "__main__":
    main()
