"""DICOM Structured Report: a case's measures and its SEG enter, a TID 1500 report leaves.

Enhanced SR, since nothing in it is a place in space; volumes that have a segment refer to it (TID
1411), the others stand alone (TID 1501). The observer is this program as a device; no person is.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from highdicom.seg import Segmentation as SegmentationObject
from highdicom.sr import (
    AlgorithmIdentification,
    CodedConcept,
    DeviceObserverIdentifyingAttributes,
    EnhancedSR,
    FindingSite,
    Measurement,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    ObservationContext,
    ObserverContext,
    ReferencedSegment,
    SourceImageForSegmentation,
    TextContentItem,
    TrackingIdentifier,
    VolumetricROIMeasurementsAndQualitativeEvaluations,
)
from pydicom import Dataset
from pydicom.sr.coding import Code

from myoseg.anatomy import REGIONS
from myoseg.cases.case import LabelMap
from myoseg.cases.dicom.authorship import (
    DEVICE_UID,
    PROGRAM,
    RESEARCH_ONLY,
    Authorship,
    derived_uid,
)
from myoseg.cases.dicom.codes import AHA_SEGMENTS, ARTIFICIAL_INTELLIGENCE, LV_MYOCARDIUM
from myoseg.cases.dicom.segmentation_object import segment_numbers
from myoseg.cases.dicom.silence import libraries_silent
from myoseg.errors import InputError
from myoseg.quantification.burden import SALVAGE_CAVEAT, Burden
from myoseg.quantification.measures import Measures
from myoseg.quantification.segments import SegmentMeasures
from myoseg.reporting.measured_concepts import (
    CODING_SCHEME_NAMES,
    FINDINGS,
    IN_SEGMENTS,
    Concepts,
    Finding,
)

SERIES_NUMBER: Final = 9101
SIGNIFICANT_DIGITS: Final = 6

_CARDIAC_MRI: Final = Code("241620005", "SCT", "Cardiac MRI")
_COMMENT: Final = CodedConcept("121106", "DCM", "Comment")
_DEVICE: Final = CodedConcept("121007", "DCM", "Device")

Group = MeasurementsAndQualitativeEvaluations | VolumetricROIMeasurementsAndQualitativeEvaluations


def structured_report(
    measures: Measures,
    labels: LabelMap,
    written: SegmentationObject,
    *,
    authorship: Authorship | None = None,
    notes: Sequence[str] = (),
) -> EnhancedSR:
    """The measures as a DICOM report that refers to the segmentation and its images.

    What was not assessed or cannot be measured is left out, and the flags say why. The same
    segmentation and values give the same UIDs.

    Args:
        measures: of the labels.
        labels: that were measured.
        written: the same labels as `cases.dicom.segmentation_object` made them.
        authorship: how the labels came about; a model's by default.
        notes: further sentences on what a reader must know.

    Raises:
        InputError: there is nothing to report.
    """
    made = authorship or Authorship()
    groups = [*_whole(measures.burden, labels, written, made), *_by_segment(measures, written)]
    if not groups:
        raise InputError("nothing was measured, so there is no report to write.")
    content = MeasurementReport(
        observation_context=_observer(),
        procedure_reported=_CARDIAC_MRI,
        imaging_measurements=groups,
    )
    content[0].ContentSequence.extend(_comments(measures, notes))
    with libraries_silent():
        report = _document(content, written, made, _identity(measures, written, notes))
    report.CodingSchemeIdentificationSequence = [
        _scheme(*item) for item in CODING_SCHEME_NAMES.items()
    ]
    return report


def _identity(measures: Measures, written: Dataset, notes: Sequence[str]) -> tuple[str, ...]:
    return (str(written.SOPInstanceUID), repr(measures.to_record()), *notes)


def _document(
    content: MeasurementReport,
    written: SegmentationObject,
    made: Authorship,
    identity: tuple[str, ...],
) -> EnhancedSR:
    return EnhancedSR(
        evidence=[written, *_source_headers(written)],
        content=content[0],
        series_instance_uid=derived_uid("report series", *identity),
        series_number=SERIES_NUMBER,
        sop_instance_uid=derived_uid("report", *identity),
        instance_number=1,
        manufacturer=PROGRAM,
        manufacturer_model_name=PROGRAM,
        software_versions=made.version,
        device_serial_number=made.version,
        series_description=f"{PROGRAM} measurements. {RESEARCH_ONLY}",
        is_complete=True,
    )


def _source_headers(written: Dataset) -> Iterator[Dataset]:
    """What identifies the images that the segmentation refers to."""
    for series in written.ReferencedSeriesSequence:
        for reference in series.ReferencedInstanceSequence:
            header = Dataset()
            header.StudyInstanceUID = written.StudyInstanceUID
            header.SeriesInstanceUID = series.SeriesInstanceUID
            header.SOPClassUID = reference.ReferencedSOPClassUID
            header.SOPInstanceUID = reference.ReferencedSOPInstanceUID
            yield header


def _observer() -> ObservationContext:
    device = DeviceObserverIdentifyingAttributes(
        uid=DEVICE_UID, name=PROGRAM, manufacturer_name=PROGRAM, model_name=PROGRAM
    )
    return ObservationContext(observer_device_context=ObserverContext(_DEVICE, device))


def _whole(
    burden: Burden, labels: LabelMap, written: SegmentationObject, made: Authorship
) -> Iterator[Group]:
    numbers = segment_numbers(labels)
    for finding in FINDINGS:
        values = _measurements(burden, finding.concepts)
        number = None if finding.region is None else numbers.get(REGIONS[finding.region])
        if values and number is not None:
            yield _of_a_segment(finding, values, number, written, made)
        elif values:
            yield MeasurementsAndQualitativeEvaluations(
                tracking_identifier=_tracking(finding.name, written),
                finding_type=finding.finding,
                finding_sites=[FindingSite(LV_MYOCARDIUM)],
                algorithm_id=_algorithm(made),
                measurements=values,
            )


def _of_a_segment(
    finding: Finding,
    values: list[Measurement],
    number: int,
    written: SegmentationObject,
    made: Authorship,
) -> VolumetricROIMeasurementsAndQualitativeEvaluations:
    segment = written.SegmentSequence[number - 1]
    sources = [
        SourceImageForSegmentation(item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID)
        for item in written.SourceImageSequence
    ]
    return VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(segment.TrackingUID, finding.name),
        referenced_segment=ReferencedSegment(
            written.SOPClassUID, written.SOPInstanceUID, number, source_images=sources
        ),
        finding_category=segment.segmented_property_category,
        finding_type=finding.finding,
        finding_sites=[FindingSite(site) for site in segment.anatomic_regions] or None,
        algorithm_id=_algorithm(made),
        measurements=values,
    )


def _by_segment(measures: Measures, written: SegmentationObject) -> Iterator[Group]:
    """Segments with wall in at least one slice."""
    if measures.segments is None:
        return
    for segment in measures.segments.measures:
        for finding in IN_SEGMENTS if segment.n_slices else ():
            values = _measurements(segment, finding.concepts)
            if values:
                name = f"Segment {segment.segment}, {finding.name}"
                yield MeasurementsAndQualitativeEvaluations(
                    tracking_identifier=_tracking(name, written),
                    finding_type=finding.finding,
                    finding_sites=[FindingSite(AHA_SEGMENTS[segment.segment - 1])],
                    measurements=values,
                )


def _measurements(record: Burden | SegmentMeasures, concepts: Concepts) -> list[Measurement]:
    """Those that have a value."""
    values = {field: getattr(record, field) for field in concepts}
    return [
        Measurement(name=concept, value=float(f"{values[field]:.{SIGNIFICANT_DIGITS}g}"), unit=unit)
        for field, (concept, unit) in concepts.items()
        if values[field] is not None
    ]


def _tracking(name: str, written: Dataset) -> TrackingIdentifier:
    return TrackingIdentifier(derived_uid(name, str(written.SOPInstanceUID)), name)


def _algorithm(made: Authorship) -> AlgorithmIdentification | None:
    """None for what was drawn by hand."""
    if made.origin == "MANUAL":
        return None
    return AlgorithmIdentification(
        name=made.name,
        version=made.version,
        family=ARTIFICIAL_INTELLIGENCE,
        manufacturer=PROGRAM,
    )


def _comments(measures: Measures, notes: Sequence[str]) -> Iterator[TextContentItem]:
    """What a reader must know of the values."""
    caveat = () if measures.burden.salvage_index is None else (SALVAGE_CAVEAT,)
    extrapolation = measures.burden.extent.extrapolation
    for sentence in (f"{RESEARCH_ONLY}.", extrapolation, *caveat, *measures.flags, *notes):
        yield TextContentItem(_COMMENT, sentence, "CONTAINS")


def _scheme(designator: str, name: str) -> Dataset:
    item = Dataset()
    item.CodingSchemeDesignator = designator
    item.CodingSchemeName = name
    item.CodingSchemeResponsibleOrganization = PROGRAM
    return item
