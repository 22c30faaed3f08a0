"""Images of four pixels, and what stands for a segmentation; a process of its own imports it."""

import os
import time
from dataclasses import dataclass

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

from myoseg.errors import InputError, ModelError


def image(study="1.2.3", number=1, **values):
    """An MR image of four pixels, of a patient whose name must not be told."""
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = MRImageStorage, f"{study}.{number}"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = study, f"{study}.99"
    ds.PatientName, ds.PatientID, ds.Modality = "Meier^Anna", "P0815", "MR"
    ds.SeriesDescription = "lge_sax Meier"
    ds.Rows = ds.Columns = 2
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, 16, 15
    ds.SamplesPerPixel, ds.PixelRepresentation = 1, 0
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.PixelData = np.arange(4, dtype=np.uint16).tobytes()
    for name, value in values.items():
        setattr(ds, name, value)
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return ds


@dataclass(frozen=True)
class FakeSource:
    """Makes one file of a study's images; does otherwise where an image's rows say so."""

    def load(self):
        return fake_results


@dataclass(frozen=True)
class SourceWithout:
    """Has no model."""

    def load(self):
        raise ModelError("there is no model; give another.")


@dataclass(frozen=True)
class SourceThatTakesLong:
    """Takes a minute to load."""

    def load(self):
        time.sleep(60)
        return fake_results


def fake_results(images, out):
    headers = [pydicom.dcmread(path, stop_before_pixels=True) for path in images.iterdir()]
    wish = str(headers[0].get("ImageComments", ""))
    if wish == "die":
        os._exit(9)
    if wish == "hang":
        time.sleep(60)
    if wish == "refuse":
        raise InputError("series lge_sax Meier of P0815 is no stack; send another.")
    uids = sorted(header.SOPInstanceUID for header in headers)
    result = image(study=headers[0].StudyInstanceUID, number=500, ImageComments=",".join(uids))
    result.SOPInstanceUID = generate_uid(entropy_srcs=[",".join(uids)])
    result.save_as(out / "study_seg.dcm", enforce_file_format=True)
