"""A simulated series in, one Enhanced MR Image Storage instance with a frame for each image out."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import EnhancedMRImageStorage

from myoseg.cases.dicom.simulated.classic import (
    HEART_BEAT_S,
    add_private,
    file_meta,
    series_attributes,
)
from myoseg.cases.dicom.simulated.enhanced_groups import (
    EnhancedTerms,
    add_frame_terms,
    enhanced_terms,
    shared_groups,
)
from myoseg.cases.dicom.simulated.patient import (
    FIELD_STRENGTH_T,
    STUDY_DATE,
    SimulatedPatient,
    series_time,
)
from myoseg.cases.dicom.simulated.planes import Plane, planes_of
from myoseg.cases.dicom.simulated.series import SimulatedSeries
from myoseg.cases.dicom.simulated.stored import Stored, stored

STACK: Final = "1"


def enhanced_instances(series: SimulatedSeries, patient: SimulatedPatient) -> Iterator[Dataset]:
    """The series' one instance; its frames are of each slice all phases, then the next slice's."""
    pixels = stored(np.concatenate(series.phases), rescaled=patient.vendor == "philips")
    terms = enhanced_terms(series)
    instance = series_attributes(series, patient)
    instance.SOPClassUID = EnhancedMRImageStorage
    instance.SOPInstanceUID = patient.uid(
        "instance", series.number, "enhanced", series.first_instance
    )
    instance.InstanceNumber = series.first_instance
    del instance.ImagesInAcquisition
    _add_acquisition(instance, series, patient, terms)
    _add_dimensions(instance, series, patient)
    instance.SharedFunctionalGroupsSequence = Items([shared_groups(series, terms, pixels)])
    instance.PerFrameFunctionalGroupsSequence = Items(
        _frame(series, plane, index, phase)
        for index, plane in enumerate(planes_of(series.geometry))
        for phase in range(series.n_phases)
    )
    _add_pixels(instance, series, pixels)
    add_private(instance, series)
    instance.file_meta = file_meta(instance)
    yield instance


def _add_acquisition(
    instance: Dataset, series: SimulatedSeries, patient: SimulatedPatient, terms: EnhancedTerms
) -> None:
    acquired = STUDY_DATE + series_time(series.number)
    instance.ContentDate, instance.ContentTime = STUDY_DATE, series_time(series.number)
    instance.AcquisitionNumber = 1
    instance.AcquisitionDateTime = acquired
    instance.AcquisitionDuration = series.geometry.shape[0] * HEART_BEAT_S
    instance.ImageType = list(terms.image_type)
    add_frame_terms(instance, terms)
    instance.ContentQualification = "RESEARCH"
    instance.ResonantNucleus = "1H"
    instance.KSpaceFiltering = "NONE"
    instance.ApplicableSafetyStandardAgency = "IEC"
    instance.MagneticFieldStrength = FIELD_STRENGTH_T
    instance.AcquisitionContextSequence = Items([])
    instance.LossyImageCompression = "00"
    instance.BurnedInAnnotation = "NO"
    instance.PresentationLUTShape = "IDENTITY"
    instance.SynchronizationFrameOfReferenceUID = patient.uid("clock")
    instance.SynchronizationTrigger = "NO TRIGGER"
    instance.AcquisitionTimeSynchronized = "N"
    if terms.is_original:
        _add_pulse_sequence(instance, series, terms)
    _add_cardiac(instance, series, terms)


def _add_pulse_sequence(instance: Dataset, series: SimulatedSeries, terms: EnhancedTerms) -> None:
    """The MR Pulse Sequence module (C.8.13.4), which only original images have."""
    instance.PulseSequenceName = series.attributes.pulse_sequence
    instance.MRAcquisitionType = "2D"
    instance.EchoPulseSequence = terms.echo_pulse_sequence
    if terms.echo_pulse_sequence == "SPIN":
        instance.MultipleSpinEcho = "YES"
    instance.MultiPlanarExcitation = "NO"
    instance.PhaseContrast = "NO"
    instance.TimeOfFlightContrast = "NO"
    instance.SteadyStatePulseSequence = terms.steady_state
    instance.EchoPlanarPulseSequence = "NO"
    instance.SaturationRecovery = "NO"
    instance.SpectrallySelectedSuppression = "NONE"
    instance.OversamplingPhase = "NONE"
    instance.GeometryOfKSpaceTraversal = "RECTILINEAR"
    instance.SegmentedKSpaceTraversal = "PARTIAL"
    instance.RectilinearPhaseEncodeReordering = "LINEAR"
    instance.NumberOfKSpaceTrajectories = 1


def _add_cardiac(instance: Dataset, series: SimulatedSeries, terms: EnhancedTerms) -> None:
    is_cine = series.n_phases > 1
    instance.CardiacSynchronizationTechnique = "RETROSPECTIVE" if is_cine else "PROSPECTIVE"
    instance.CardiacSignalSource = "ECG"
    instance.CardiacBeatRejectionTechnique = "NONE"
    instance.LowRRValue = instance.HighRRValue = round(HEART_BEAT_S * 1000)
    if terms.is_original:
        instance.CardiacRRIntervalSpecified = HEART_BEAT_S * 1000
        instance.IntervalsAcquired = series.geometry.shape[0]
        instance.IntervalsRejected = 0


def _add_dimensions(instance: Dataset, series: SimulatedSeries, patient: SimulatedPatient) -> None:
    organisation = Dataset()
    organisation.DimensionOrganizationUID = patient.uid("dimensions", series.number)
    instance.DimensionOrganizationSequence = Items([organisation])
    pointers = ((0x00209056, 0x00209111), (0x00209057, 0x00209111), (0x00209128, 0x00209111))
    items = []
    for pointer, group in pointers:
        item = Dataset()
        item.DimensionOrganizationUID = organisation.DimensionOrganizationUID
        item.DimensionIndexPointer = pointer
        item.FunctionalGroupPointer = group
        items.append(item)
    instance.DimensionIndexSequence = Items(items)


def _frame(series: SimulatedSeries, plane: Plane, index: int, phase: int) -> Dataset:
    acquired = STUDY_DATE + series_time(series.number, index * HEART_BEAT_S)
    content, position, cardiac = Dataset(), Dataset(), Dataset()
    content.FrameAcquisitionNumber = index + 1
    content.FrameReferenceDateTime = content.FrameAcquisitionDateTime = acquired
    content.FrameAcquisitionDuration = HEART_BEAT_S * 1000
    content.StackID = STACK
    content.InStackPositionNumber = index + 1
    content.TemporalPositionIndex = phase + 1
    content.DimensionIndexValues = [1, index + 1, phase + 1]
    position.ImagePositionPatient = plane.position
    cardiac.NominalCardiacTriggerDelayTime = series.trigger_times_ms[phase]
    cardiac.RRIntervalTimeNominal = HEART_BEAT_S * 1000
    frame = Dataset()
    frame.FrameContentSequence = Items([content])
    frame.PlanePositionSequence = Items([position])
    frame.CardiacSynchronizationSequence = Items([cardiac])
    return frame


def _add_pixels(instance: Dataset, series: SimulatedSeries, pixels: Stored) -> None:
    n_slices, rows, cols = series.geometry.shape
    by_phase = pixels.values.reshape(series.n_phases, n_slices, rows, cols)
    frames = by_phase.swapaxes(0, 1).astype("<u2")
    instance.NumberOfFrames = n_slices * series.n_phases
    instance.BitsAllocated = 16
    instance.BitsStored, instance.HighBit = pixels.n_bits, pixels.n_bits - 1
    instance.PixelRepresentation = 0
    instance.PixelData = frames.tobytes()
    instance["PixelData"].VR = "OW"
