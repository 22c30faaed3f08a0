"""The client against a real archive: Orthanc, over DICOMweb and over classic DICOM."""

import pydicom
import pytest

from myoseg.errors import InputError, TransferError
from myoseg.serving.pacs.address import parse_address
from myoseg.serving.pacs.connection import ConnectionOptions
from myoseg.serving.pacs.fetching import FetchRequest, fetch
from myoseg.serving.pacs.intake import Limits
from myoseg.serving.pacs.queries import echo, find_series, find_studies
from myoseg.serving.pacs.records import Query
from myoseg.serving.pacs.transfer import send
from myoseg.serving.pacs.wanted import ReceiveAt

HOW = ConnectionOptions(first_wait_s=0.0, n_tries=2, connect_s=5.0, answer_s=20.0)


@pytest.fixture(params=["dicomweb", "c-get", "c-move"])
def way(request, orthanc):
    """An address of Orthanc, and where to receive at."""
    if request.param == "dicomweb":
        return parse_address(orthanc.web_url), None
    address = parse_address(f"dicom://ORTHANC@127.0.0.1:{orthanc.dicom_port}")
    return address, ReceiveAt(orthanc.receive_port) if request.param == "c-move" else None


@pytest.fixture(params=["dicomweb", "classic"])
def address(request, orthanc):
    """An address of Orthanc in each protocol."""
    classic = f"dicom://ORTHANC@127.0.0.1:{orthanc.dicom_port}"
    return parse_address(orthanc.web_url if request.param == "dicomweb" else classic)


def files_of(folder):
    return sorted(folder.rglob("*.dcm"))


def uid_of(folder):
    return str(pydicom.dcmread(files_of(folder)[0]).StudyInstanceUID)


def by_instance(folder):
    read = [pydicom.dcmread(path) for path in files_of(folder)]
    return {str(each.SOPInstanceUID): each for each in read}


def test_an_archive_answers_that_it_is_there(address):
    echo(address, HOW)


def test_what_is_sent_is_what_the_archive_holds(address, orthanc, study):
    outcome = send(address, files_of(study), HOW)
    assert outcome.n_accepted == len(files_of(study)) > 3
    assert not outcome.refused
    sent = by_instance(study)
    assert orthanc.instances() == sorted(sent)
    for uid, original in sent.items():
        held = orthanc.read(uid)
        assert held.PixelData == original.PixelData
        assert held == original


def test_sending_twice_changes_nothing(address, orthanc, study):
    send(address, files_of(study), HOW)
    before = orthanc.instances()
    again = send(address, files_of(study), HOW)
    assert again.n_accepted == len(before)
    assert orthanc.instances() == before


def test_a_study_is_fetched_as_it_was_stored(way, orthanc, study, tmp_path):
    orthanc.store(*files_of(study))
    address, receive = way
    outcome = fetch(address, FetchRequest(uid_of(study), receive=receive), tmp_path / "in", HOW)
    assert outcome.n_fetched == len(files_of(study))
    assert (outcome.n_present, outcome.n_missing, outcome.refused) == (0, 0, ())
    came, sent = by_instance(tmp_path / "in"), by_instance(study)
    assert came.keys() == sent.keys()
    for uid, original in sent.items():
        assert came[uid] == original


def test_only_what_is_missing_is_fetched_again(way, orthanc, study, tmp_path):
    orthanc.store(*files_of(study))
    address, receive = way
    request = FetchRequest(uid_of(study), receive=receive)
    fetch(address, request, tmp_path / "in", HOW)
    first, second, *others = files_of(tmp_path / "in")
    whole = second.read_bytes()
    first.unlink()
    second.write_bytes(whole[:300])
    stamps = [path.stat().st_mtime_ns for path in others]
    outcome = fetch(address, request, tmp_path / "in", HOW)
    assert (outcome.n_fetched, outcome.n_present) == (2, len(others))
    assert second.read_bytes() == whole
    assert [path.stat().st_mtime_ns for path in others] == stamps
    assert fetch(address, request, tmp_path / "in", HOW).n_fetched == 0


def test_one_series_is_fetched_alone(way, orthanc, study, tmp_path):
    orthanc.store(*files_of(study))
    address, receive = way
    series = find_series(address, uid_of(study), HOW)
    assert len(series) >= 3
    chosen = series[1]
    request = FetchRequest(uid_of(study), series_uid=chosen.series_uid, receive=receive)
    outcome = fetch(address, request, tmp_path / "in", HOW)
    came = by_instance(tmp_path / "in").values()
    assert {each.SeriesInstanceUID for each in came} == {chosen.series_uid}
    assert len(came) == outcome.n_fetched == chosen.n_instances
    assert outcome.n_other_series == len(series) - 1


def test_studies_are_found_by_each_attribute(address, orthanc, study, other_study):
    other = other_study
    orthanc.store(*files_of(study), *files_of(other))
    assert len(find_studies(address, Query(), HOW)) == 2
    assert len(find_studies(address, Query(), HOW, most=1)) == 1
    header = pydicom.dcmread(files_of(other)[0])
    queries = [
        Query(study_uid=str(header.StudyInstanceUID)),
        Query(patient_id=str(header.PatientID)),
        Query(patient_id=str(header.PatientID)[:-1] + "?", study_uid=uid_of(other)),
    ]
    for query in queries:
        (found,) = find_studies(address, query, HOW)
        assert found.study_uid == uid_of(other)
        assert found.identity.patient_id == header.PatientID
        assert found.modalities == ("MR",)
        assert found.n_instances == len(files_of(other))
    assert len(find_studies(address, Query(date="20000101", modality="MR"), HOW)) == 2
    assert find_studies(address, Query(date="20000102-"), HOW) == ()


def test_a_study_that_is_not_there_is_told(way, tmp_path):
    address, receive = way
    with pytest.raises(InputError, match="no such study"):
        fetch(address, FetchRequest("1.2.3", receive=receive), tmp_path / "in", HOW)
    assert not (tmp_path / "in").exists()


def test_a_study_without_mr_is_told(way, orthanc, study, tmp_path):
    image = pydicom.dcmread(files_of(study)[0])
    image.Modality = "CT"
    image.save_as(tmp_path / "ct.dcm")
    orthanc.store(tmp_path / "ct.dcm")
    address, receive = way
    request = FetchRequest(uid_of(study), receive=receive)
    with pytest.raises(InputError, match=r"1 series \(CT\)"):
        fetch(address, request, tmp_path / "in", HOW)
    everything = FetchRequest(uid_of(study), modality="", receive=receive)
    assert fetch(address, everything, tmp_path / "in", HOW).n_fetched == 1


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Limits(n_instances=2), "more than 2 instances"),
        (Limits(total_bytes=6000), "more than 0 MiB"),
    ],
)
def test_more_than_the_limits_is_refused(way, orthanc, study, tmp_path, limits, said):
    orthanc.store(*files_of(study))
    address, receive = way
    request = FetchRequest(uid_of(study), limits=limits, receive=receive)
    with pytest.raises(TransferError, match=said):
        fetch(address, request, tmp_path / "in", HOW)


def test_an_archive_that_does_not_know_us_is_told_by_name(orthanc, study, tmp_path):
    orthanc.store(*files_of(study))
    address = parse_address(f"dicom://ORTHANC@127.0.0.1:{orthanc.dicom_port}")
    request = FetchRequest(uid_of(study), receive=ReceiveAt(orthanc.receive_port))
    how = ConnectionOptions(ae_title="NOBODY", n_tries=1)
    with pytest.raises(TransferError, match="NOBODY"):
        fetch(address, request, tmp_path / "in", how)


def test_a_wrong_title_of_the_archive_is_told(orthanc):
    address = parse_address(f"dicom://OTHER@127.0.0.1:{orthanc.dicom_port}")
    with pytest.raises(TransferError, match="refuses the association"):
        echo(address, HOW)
