"""A simulated series in, one MR Image Storage instance for each slice and phase out."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Int32
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

from myoseg.cases.dicom.simulated.patient import (
    IMAGING_FREQUENCY_MHZ,
    STUDY_DATE,
    SimulatedPatient,
    series_time,
    study_attributes,
)
from myoseg.cases.dicom.simulated.planes import Plane, decimals, planes_of
from myoseg.cases.dicom.simulated.series import SimulatedSeries
from myoseg.cases.dicom.simulated.stored import Stored, stored

HEART_BEAT_S = 1.0
WINDOW_QUANTILE = 0.99


def classic_instances(series: SimulatedSeries, patient: SimulatedPatient) -> Iterator[Dataset]:
    """The series' instances: of each slice all phases, then the next slice's."""
    pixels = stored(np.concatenate(series.phases), rescaled=patient.vendor == "philips")
    shared = series_attributes(series, patient)
    shared.update(window(pixels))
    planes = planes_of(series.geometry)
    number = series.first_instance - 1
    for index, plane in enumerate(planes):
        for phase in range(series.n_phases):
            number += 1
            frame = pixels.values[phase * len(planes) + index]
            yield _instance(shared, series, patient, plane, pixels, frame, (number, index, phase))


def series_attributes(series: SimulatedSeries, patient: SimulatedPatient) -> Dataset:
    """What all instances of a series share, apart from pixels and planes."""
    described, shared = series.attributes, study_attributes(patient)
    shared.SeriesInstanceUID = patient.uid("series", series.number)
    shared.SeriesNumber = series.number
    shared.SeriesDate, shared.SeriesTime = STUDY_DATE, series_time(series.number)
    shared.SeriesDescription = described.description
    shared.ProtocolName = described.description
    shared.BodyPartExamined = "HEART"
    shared.PatientPosition = "HFS"
    shared.ImageType = list(described.image_type)
    shared.ImagesInAcquisition = series.n_phases * series.geometry.shape[0]
    _add_pixel_description(shared, series)
    return shared


def window(pixels: Stored) -> Dataset:
    """The display window over most of the intensities."""
    top = float(np.quantile(pixels.values, WINDOW_QUANTILE)) * float(pixels.slope)
    width = max(top, 1.0)
    shown = Dataset()
    shown.WindowCenter = decimals(round(width / 2 + float(pixels.intercept), 3))[0]
    shown.WindowWidth = decimals(round(width, 3))[0]
    return shown


def file_meta(instance: Dataset) -> FileMetaDataset:
    """The file meta information of an instance, uncompressed."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = instance.SOPClassUID
    meta.MediaStorageSOPInstanceUID = instance.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return meta


def add_private(instance: Dataset, series: SimulatedSeries) -> None:
    """Adds the vendor's private elements."""
    for (group, creator, element, vr), value in series.attributes.private.items():
        block = instance.private_block(group, creator, create=True)
        block.add_new(element, vr, value)


def _instance(
    shared: Dataset,
    series: SimulatedSeries,
    patient: SimulatedPatient,
    plane: Plane,
    pixels: Stored,
    frame: Int32[np.ndarray, "row col"],
    place: tuple[int, int, int],
) -> Dataset:
    number, index, phase = place
    instance = Dataset()
    instance.update(shared)
    instance.SOPClassUID = MRImageStorage
    instance.SOPInstanceUID = patient.uid("instance", series.number, number)
    instance.InstanceNumber = number
    acquired = series_time(series.number, index * HEART_BEAT_S)
    instance.AcquisitionDate, instance.AcquisitionTime = STUDY_DATE, acquired
    instance.ContentDate, instance.ContentTime = STUDY_DATE, acquired
    instance.AcquisitionNumber = index + 1
    instance.InstanceCreationDate, instance.InstanceCreationTime = STUDY_DATE, acquired
    _add_acquisition(instance, series)
    _add_phase(instance, series, phase)
    _add_plane(instance, series, plane)
    _add_pixels(instance, pixels, frame, is_signed=patient.vendor == "ge")
    add_private(instance, series)
    instance.file_meta = file_meta(instance)
    return instance


def _add_pixel_description(shared: Dataset, series: SimulatedSeries) -> None:
    _, rows, cols = series.geometry.shape
    shared.SamplesPerPixel = 1
    shared.PhotometricInterpretation = "MONOCHROME2"
    shared.Rows, shared.Columns = rows, cols


def _add_acquisition(instance: Dataset, series: SimulatedSeries) -> None:
    described, timing = series.attributes, series.attributes.timing
    instance.ScanningSequence = list(described.scanning_sequence)
    instance.SequenceVariant = list(described.sequence_variant)
    instance.ScanOptions = list(described.scan_options)
    instance.MRAcquisitionType = "2D"
    if described.sequence_name is not None:
        instance.SequenceName = described.sequence_name
    instance.RepetitionTime = decimals(timing.tr_ms)[0]
    instance.EchoTime = decimals(timing.te_ms)[0]
    instance.EchoTrainLength = timing.echo_train_length
    if timing.ti_ms is not None:
        instance.InversionTime = decimals(timing.ti_ms)[0]
    instance.FlipAngle = decimals(timing.flip_angle_deg)[0]
    instance.ImagedNucleus = "1H"
    instance.ImagingFrequency = decimals(IMAGING_FREQUENCY_MHZ)[0]
    instance.EchoNumbers = 1
    instance.NumberOfAverages = 1
    instance.AngioFlag = "N"


def _add_phase(instance: Dataset, series: SimulatedSeries, phase: int) -> None:
    instance.TriggerTime = decimals(series.trigger_times_ms[phase])[0]
    instance.NominalInterval = round(HEART_BEAT_S * 1000)
    if series.n_phases > 1:
        instance.CardiacNumberOfImages = series.n_phases
        instance.TemporalPositionIdentifier = phase + 1
        instance.NumberOfTemporalPositions = series.n_phases


def _add_plane(instance: Dataset, series: SimulatedSeries, plane: Plane) -> None:
    instance.ImagePositionPatient = plane.position
    instance.ImageOrientationPatient = plane.orientation
    instance.PixelSpacing = decimals(*plane.spacing_mm)
    instance.SliceThickness = decimals(series.thickness_mm)[0]
    instance.SliceLocation = decimals(plane.location_mm)[0]
    if series.geometry.shape[0] > 1:
        instance.SpacingBetweenSlices = decimals(series.geometry.spacing_mm[0])[0]


def _add_pixels(
    instance: Dataset, pixels: Stored, frame: Int32[np.ndarray, "row col"], *, is_signed: bool
) -> None:
    bits = 16 if is_signed else pixels.n_bits
    instance.BitsAllocated = 16
    instance.BitsStored, instance.HighBit = bits, bits - 1
    instance.PixelRepresentation = int(is_signed)
    if pixels.is_scaled:
        instance.RescaleIntercept, instance.RescaleSlope = pixels.intercept, pixels.slope
        instance.RescaleType = "US"
    instance.PixelData = frame.astype("<i2" if is_signed else "<u2").tobytes()
    instance["PixelData"].VR = "OW"
