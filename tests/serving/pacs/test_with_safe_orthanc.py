"""The client against an Orthanc that asks who is there: passwords, or certificates over TLS.

HTTPS is tested with a server of Python's: Debian's Orthanc 1.10.1 falls over its own.
"""

import pydicom
import pytest

from myoseg.errors import TransferError
from myoseg.serving.pacs.address import PacsAddress, parse_address
from myoseg.serving.pacs.connection import ConnectionOptions, Credentials
from myoseg.serving.pacs.fetching import FetchRequest, fetch
from myoseg.serving.pacs.queries import echo
from myoseg.serving.pacs.transfer import send
from myoseg.serving.pacs.wanted import ReceiveAt

LOGIN = Credentials(user="reader", password="secret")


@pytest.fixture(scope="module")
def safe_orthanc(tmp_path_factory, certificates, run_orthanc):
    folder = tmp_path_factory.mktemp("safe")
    with run_orthanc(
        folder,
        AuthenticationEnabled=True,
        RegisteredUsers={"reader": "secret"},
        DicomTlsEnabled=True,
        DicomTlsCertificate=str(certificates.certificate),
        DicomTlsPrivateKey=str(certificates.key),
        DicomTlsTrustedCertificates=str(certificates.ca),
        DicomTlsRemoteCertificateRequired=True,
    ) as orthanc:
        orthanc.add_modality("MYOSEG", orthanc.receive_port, UseDicomTls=True)
        yield orthanc


def files_of(folder):
    return sorted(folder.rglob("*.dcm"))


def test_over_http_with_a_password(safe_orthanc, study, tmp_path):
    address = parse_address(safe_orthanc.web_url)
    how = ConnectionOptions(credentials=LOGIN, n_tries=1)
    assert send(address, files_of(study), how).n_accepted == len(files_of(study))
    uid = str(pydicom.dcmread(files_of(study)[0]).StudyInstanceUID)
    outcome = fetch(address, FetchRequest(uid), tmp_path / "in", how)
    assert outcome.n_fetched == len(files_of(study))
    for wrong in (None, Credentials(user="reader", password="wrong")):
        with pytest.raises(TransferError, match="HTTP 401"):
            echo(address, ConnectionOptions(credentials=wrong, n_tries=1))


@pytest.mark.parametrize("receives", [False, True], ids=["c-get", "c-move"])
def test_over_dicom_with_certificates(safe_orthanc, certificates, study, tmp_path, receives):
    port = safe_orthanc.dicom_port
    address = PacsAddress("dicom", "127.0.0.1", port, True, ae_title="ORTHANC")
    how = ConnectionOptions(
        ca=certificates.ca,
        certificate=certificates.certificate,
        private_key=certificates.key,
        n_tries=1,
    )
    assert send(address, files_of(study), how).n_accepted == len(files_of(study))
    uid = str(pydicom.dcmread(files_of(study)[0]).StudyInstanceUID)
    receive = ReceiveAt(safe_orthanc.receive_port) if receives else None
    outcome = fetch(address, FetchRequest(uid, receive=receive), tmp_path / "in", how)
    assert outcome.n_fetched == len(files_of(study))
    with pytest.raises(TransferError):
        echo(address, ConnectionOptions(ca=certificates.ca, n_tries=1, answer_s=5.0))
    with pytest.raises(TransferError, match="certificate"):
        echo(address, ConnectionOptions(ca=certificates.other_ca, n_tries=1))
