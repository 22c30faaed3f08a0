"""An Orthanc of its own, and small studies to send it."""

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pydicom
import pytest

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
STARTS_WITHIN_S = 30.0


@dataclass(frozen=True)
class Orthanc:
    """A running Orthanc: its ports on loopback, and what it holds.

    It calls itself ORTHANC and knows one application entity, MYOSEG at 127.0.0.1:`receive_port`,
    which it sends to when that asks for a study.
    """

    dicom_port: int
    http_port: int
    receive_port: int
    login: tuple[str, str] | None = None

    @property
    def rest_url(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def web_url(self) -> str:
        return f"{self.rest_url}/dicom-web"

    def call(self, method: str, path: str, content: object = None) -> Any:
        """Asks the REST interface; gives JSON, or bytes where the answer is no JSON."""
        import requests

        answer = requests.request(
            method,
            f"{self.rest_url}{path}",
            data=content if isinstance(content, bytes) else json.dumps(content),
            auth=self.login,
            timeout=30,
        )
        answer.raise_for_status()
        is_json = answer.headers.get("content-type", "").startswith("application/json")
        return answer.json() if is_json else answer.content

    def instances(self) -> list[str]:
        """The SOP Instance UIDs that it holds, sorted."""
        expanded = self.call("GET", "/instances?expand")
        return sorted(each["MainDicomTags"]["SOPInstanceUID"] for each in expanded)

    def read(self, sop_instance_uid: str) -> pydicom.Dataset:
        """An instance as it holds it."""
        (found,) = self.call("POST", "/tools/lookup", sop_instance_uid.encode())
        return pydicom.dcmread(BytesIO(self.call("GET", f"{found['Path']}/file")))

    def store(self, *files: Path) -> None:
        """Puts files into it without the network protocols of DICOM."""
        for file in files:
            self.call("POST", "/instances", file.read_bytes())

    def add_modality(self, name: str, port: int, **changes: object) -> None:
        """Makes it know the application entity `name` at a port of loopback."""
        entry = {"AET": name, "Host": "127.0.0.1", "Port": port, "Timeout": 30}
        self.call("PUT", f"/modalities/{name}", entry | changes)

    def send_to(self, name: str, *uids: str) -> None:
        """Sends instances, series or studies that it holds to an entity that it knows."""
        found = [self.call("POST", "/tools/lookup", uid.encode())[0]["ID"] for uid in uids]
        self.call("POST", f"/modalities/{name}/store", {"Resources": found, "Synchronous": True})

    def clear(self) -> None:
        for patient in self.call("GET", "/patients"):
            self.call("DELETE", f"/patients/{patient}")


def a_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """Gives a port of loopback that nothing listens at."""
    return a_free_port


@contextmanager
def running(folder: Path, **changes: object) -> Iterator[Orthanc]:
    """Starts Orthanc with its files in `folder`; stops it afterwards."""
    program = shutil.which("Orthanc")
    if program is None:
        pytest.skip("Orthanc is not installed (Debian's orthanc)")
    if not PLUGIN.is_file():
        pytest.skip("Orthanc has no DICOMweb (Debian's orthanc-dicomweb)")
    ports = [a_free_port() for _ in range(3)]
    users = changes.get("RegisteredUsers")
    login = next(iter(users.items())) if isinstance(users, dict) else None
    orthanc = Orthanc(*ports, login=login)
    configuration = folder / "orthanc.json"
    configuration.write_text(json.dumps(_settings(folder, orthanc) | changes), encoding="utf-8")
    log = (folder / "orthanc.log").open("wb")
    process = subprocess.Popen(  # stopped below, whatever becomes of the test
        [program, str(configuration)], stdout=log, stderr=subprocess.STDOUT, cwd=folder
    )
    try:
        _wait_for(orthanc, process, folder / "orthanc.log")
        yield orthanc
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.close()


def _settings(folder: Path, orthanc: Orthanc) -> dict[str, object]:
    return {
        "Name": "Test",
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "storage"),
        "Plugins": [str(PLUGIN)],
        "HttpPort": orthanc.http_port,
        "DicomPort": orthanc.dicom_port,
        "DicomAet": "ORTHANC",
        "DicomCheckCalledAet": True,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "DicomModalities": {"MYOSEG": ["MYOSEG", "127.0.0.1", orthanc.receive_port]},
        "DicomAlwaysAllowFind": True,
        "DicomAlwaysAllowGet": True,
        "DicomAlwaysAllowMove": True,
        "SynchronousCMove": True,
        "OverwriteInstances": True,
        "SaveJobs": False,
        "SyncStorageArea": False,
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "EnableWado": False},
    }


def _wait_for(orthanc: Orthanc, process: subprocess.Popen[bytes], log: Path) -> None:
    import requests

    end = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < end and process.poll() is None:
        try:
            orthanc.call("GET", "/system")
        except requests.RequestException:
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"Orthanc did not start:\n{log.read_text(encoding='utf-8', errors='replace')}")


@pytest.fixture(scope="session")
def _orthanc_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    with running(tmp_path_factory.mktemp("orthanc")) as orthanc:
        yield orthanc


@pytest.fixture(scope="session")
def run_orthanc() -> Callable[..., Any]:
    """run_orthanc(folder, **settings) is a context with an Orthanc of other settings."""
    return running


@pytest.fixture
def orthanc(_orthanc_process: Orthanc) -> Iterator[Orthanc]:
    """A running Orthanc that holds nothing; one program serves all tests of a session in turn."""
    _orthanc_process.clear()
    yield _orthanc_process
    _orthanc_process.clear()


@pytest.fixture(scope="session")
def write_study(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """write_study(seed) is a folder of a simulated study's DICOM files: a few small series."""
    from myoseg.cases.dicom.write_study import WritingChoices, write_dicom_studies
    from myoseg.cases.phantom import PhantomConfig

    tiny = PhantomConfig(
        matrix=(32, 32),
        spacing_mm=(5.0, 5.0),
        n_slices=(2, 2),
        infarct_probability=1.0,
        supersampling=1,
        n_sub_slices=1,
    )
    written: dict[int, Path] = {}

    def write(seed: int = 0) -> Path:
        if seed not in written:
            out = tmp_path_factory.mktemp("studies") / f"seed_{seed}"
            choices = WritingChoices()
            write_dicom_studies(out, n_studies=1, seed=seed, config=tiny, choices=choices)
            written[seed] = next(out.iterdir()) / "dicom"
        return written[seed]

    return write


@pytest.fixture(scope="session")
def study(write_study: Callable[[int], Path]) -> Path:
    """One such study."""
    return write_study(0)


@pytest.fixture(scope="session")
def other_study(study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same images as of another study and patient."""
    folder = tmp_path_factory.mktemp("studies") / "other"
    folder.mkdir()
    for number, path in enumerate(sorted(study.rglob("*.dcm"))):
        image = pydicom.dcmread(path)
        for name in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
            setattr(image, name, f"{image[name].value}"[:-2] + ".7")
        image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
        image.PatientID, image.PatientName = "SIM00007", "Simulated^00007"
        image.save_as(folder / f"{number:03}.dcm")
    return folder
