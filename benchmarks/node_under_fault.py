"""Studies sent to a node at once, while it is killed at random and its disk is full once.

    python benchmarks/node_under_fault.py -n 200 --kills 10

Several senders send simulated studies over DICOM, and send a study again as long as not all of it
was confirmed. The node (`myoseg node`, the default model) is killed with SIGKILL at random moments
and started again; Orthanc is the archive that results go to. Prints a table, and ends with 0 if
every study was done exactly once or failed visibly. Needs Debian's orthanc; the full disk needs
root, to mount a small file system for the node's folder.
"""

import argparse
import json
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

import pydicom
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage
from pynetdicom import AE, _config

from myoseg.cases.dicom.authorship import derived_uid
from myoseg.cases.dicom.write_study import WritingChoices, write_dicom_studies
from myoseg.cases.phantom import PhantomConfig
from myoseg.serving.node.state_folder import StateFolder
from myoseg.serving.node.status import studies_of

TINY = PhantomConfig(
    matrix=(32, 32),
    spacing_mm=(5.0, 5.0),
    n_slices=(2, 2),
    infarct_probability=1.0,
    supersampling=1,
    n_sub_slices=1,
)
N_SIMULATED = 2
N_SENDERS = 8
LGE_SERIES = "S0300"
"""The folder of it; without other sequences there is nothing to align, which takes longest."""

DISK_MB, STUDY_MB = 150, 5
"""Of the small disk: that much, and so much more for each study."""

FREE_GB = 0.02
"""What the node leaves for results when it takes images."""

FULL_S = 12.0
WHILE_SENT = 0.4
"""Part of the kills that falls while studies are sent; the others spread over the rest."""

LONGEST_DELAY_S = 8.0
SOON_S = 0.5
"""From when a kill is due until it falls: at any moment, or soon after images or results came."""

IDENTIFIERS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID")
KINDS = {"SEG": "segmentations", "SR": "reports"}


def studies_to_send(folder: Path, n: int, series: str) -> list[list[pydicom.Dataset]]:
    """A few simulated studies, each under many identifiers; `series` is a pattern of folders."""
    write_dicom_studies(
        folder, n_studies=min(n, N_SIMULATED), seed=0, config=TINY, choices=WritingChoices()
    )
    simulated = [
        [pydicom.dcmread(path) for path in sorted((each / "dicom").glob(f"{series}/*.dcm"))]
        for each in sorted(folder.iterdir())
    ]
    return [[renamed(image, k) for image in simulated[k % len(simulated)]] for k in range(n)]


def renamed(image: pydicom.Dataset, k: int) -> pydicom.Dataset:
    """The image as one of study `k`."""
    copy = deepcopy(image)
    for name in IDENTIFIERS:
        setattr(copy, name, derived_uid("node under fault", str(k), str(image[name].value)))
    copy.PatientID = f"SIM{k:05d}"
    return copy


def confirmed(association, images: list[pydicom.Dataset]) -> bool:
    """Sends images over a connection, as long as each is confirmed."""
    try:
        statuses = [association.send_c_store(image).get("Status") for image in images]
        association.release()
    except Exception:
        # The library raises one thing or another where the node dies meanwhile.
        association.abort()
        return False
    return statuses == [0] * len(images)


def send(images: list[pydicom.Dataset], port: int, tries: Counter[str]) -> None:
    """Sends a study until all of it was confirmed."""
    while True:
        tries["connections"] += 1
        scanner = AE("SCANNER")
        scanner.add_requested_context(MRImageStorage, ExplicitVRLittleEndian)
        scanner.connection_timeout = scanner.acse_timeout = scanner.dimse_timeout = 20
        association = scanner.associate("127.0.0.1", port, ae_title="MYOSEG")
        accepted = association.is_established
        if accepted and confirmed(association, images):
            return
        tries["cut off or refused"] += accepted
        time.sleep(random.uniform(0.5, 2))


class Node:
    """`myoseg node`, killed and started again."""

    def __init__(self, folder: Path, port: int, archive_port: int, log: Path) -> None:
        self.folder, self.log, self.process, self.port = folder, log, None, port
        self.command = [
            *(sys.executable, "-m", "myoseg", "node", "--folder", str(folder)),
            *("--port", str(port), "--return-to", f"dicom://ORTHANC@127.0.0.1:{archive_port}"),
            *("--settle-seconds", "2", "--broken-seconds", "300", "--min-free-gb", str(FREE_GB)),
            *("--threads", "1"),
        ]
        self.peaks_mb: dict[str, float] = {"node": 0.0, "worker": 0.0}
        self.started = 0

    def start(self) -> None:
        """Starts it."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log)
        self.started += 1

    def kill(self) -> None:
        """Ends it as a loss of power would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def is_up(self) -> bool:
        """Whether it listens."""
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def watch(self) -> None:
        """Notes how much memory the node and the process that segments have had at most."""
        pid = self.process.pid
        self._note("node", pid)
        try:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        except OSError:
            return
        for child in children:
            self._note("worker", int(child))

    def _note(self, name: str, pid: int) -> None:
        try:
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        except OSError:
            return
        for line in lines:
            if line.startswith("VmHWM"):
                self.peaks_mb[name] = max(self.peaks_mb[name], int(line.split()[1]) / 1024)


@contextmanager
def orthanc(folder: Path):
    """Runs Orthanc; gives its DICOM port and a function that asks its REST interface."""
    folder.mkdir()
    dicom_port, http_port = free_port(), free_port()
    settings = {
        "StorageDirectory": str(folder),
        "IndexDirectory": str(folder),
        "DicomPort": dicom_port,
        "HttpPort": http_port,
        "DicomAet": "ORTHANC",
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "SaveJobs": False,
    }
    (folder / "orthanc.json").write_text(json.dumps(settings))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(["Orthanc", str(folder / "orthanc.json")], stderr=log)

    def ask(path: str):
        with urllib.request.urlopen(f"http://127.0.0.1:{http_port}{path}", timeout=60) as answer:
            return json.load(answer)

    try:
        for _ in range(300):
            try:
                ask("/system")
                break
            except OSError:
                time.sleep(0.1)
        yield dicom_port, ask
    finally:
        process.terminate()
        process.wait()


@contextmanager
def small_disk(folder: Path, n_studies: int):
    """A small ext4 file system, or what `folder` lies on; gives whether it is small."""
    image = folder / "disk.img"
    folder.joinpath("disk").mkdir()
    place = folder / "disk"
    with image.open("wb") as stream:
        stream.truncate(DISK_MB + n_studies * STUDY_MB << 20)
    made = subprocess.run(["mkfs.ext4", "-q", "-m", "0", image], capture_output=True, check=False)
    mounted = made.returncode == 0 and (
        subprocess.run(["mount", "-o", "loop", image, place], capture_output=True, check=False)
    )
    is_small = bool(mounted) and mounted.returncode == 0
    try:
        yield place, is_small
    finally:
        if is_small:
            subprocess.run(["umount", "-l", place], check=False)


def fill(place: Path, seconds: float) -> None:
    """Leaves no byte free for a while."""
    ballast = place / "ballast"
    with ballast.open("wb", buffering=0) as stream:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    stream.write(b"x" * size)
            except OSError:
                continue
    time.sleep(seconds)
    ballast.unlink()


def free_port() -> int:
    """A port of loopback that nothing listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def results_in(ask) -> dict[str, Counter[str]]:
    """How many results of each kind the archive has, by study."""
    found: dict[str, Counter[str]] = {}
    for series in ask("/series?expand"):
        study = ask(f"/studies/{series['ParentStudy']}")["MainDicomTags"]["StudyInstanceUID"]
        kind = series["MainDicomTags"]["Modality"]
        found.setdefault(study, Counter())[kind] += len(series["Instances"])
    return found


def states(folder: Path) -> Counter[str]:
    """How many studies the node has in each state; none while it cannot be asked."""
    database = StateFolder(folder).database
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            counted = connection.execute("SELECT state, count(*) FROM studies GROUP BY state")
            return Counter(dict(counted.fetchall()))
    except sqlite3.Error:
        return Counter()


def main() -> None:
    """Sends, kills, fills and counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=200, help="studies")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--all-sequences", action="store_true", help="not the LGE alone")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--longest", type=float, default=0, help="seconds until it is given up")
    asked = parser.parse_args()
    if shutil.which("Orthanc") is None:
        raise SystemExit("Orthanc is not installed (Debian's orthanc)")
    _config.LOG_HANDLER_LEVEL = "none"
    with tempfile.TemporaryDirectory() as place:
        ok = run(Path(place), asked)
    raise SystemExit(0 if ok else 1)


def run(place: Path, asked: argparse.Namespace) -> bool:
    """Runs all of it; says whether every study was done once or failed visibly."""
    kills = Kills(asked.n, asked.kills, random.Random(asked.seed))
    began = time.monotonic()
    series = "*" if asked.all_sequences else LGE_SERIES
    studies = studies_to_send(place / "simulated", asked.n, series)
    print(
        f"{asked.n} studies of {len(studies[0])} images; {time.monotonic() - began:.0f} s to make"
    )
    with (
        small_disk(place, asked.n) as (disk, is_small),
        orthanc(place / "orthanc") as (archive, ask),
    ):
        node = Node(disk / "state", free_port(), archive, place / "node.log")
        tries: Counter[str] = Counter()
        node.start()
        began = time.monotonic()
        with ThreadPoolExecutor(N_SENDERS) as pool:
            sent = [pool.submit(send, images, node.port, tries) for images in studies]
            early = disturb(node, kills, asked, disk if is_small else None, sent)
            node.kill()
        seconds = time.monotonic() - began
        for each in sent:
            each.result()
        return told(node, asked, ask, studies, early, kills, tries, seconds, is_small)


@dataclass
class Kills:
    """When the node is killed.

    The very first is due at once; those after it while senders send and the node has a study in
    part; the others as their part of the studies is done, every second of them as soon as results
    wait to be returned.
    """

    n_studies: int
    n_kills: int
    rng: random.Random
    n_fallen: int = 0
    falls_at: float | None = None
    fallen_in: Counter[str] = field(default_factory=Counter)

    def is_time(self, now: Counter[str], *, sending: bool) -> bool:
        """Whether the next one falls now, given how many studies are in each state."""
        if self.n_fallen == self.n_kills:
            return False
        if self.falls_at is None:
            self.falls_at = self._due(now, sending=sending)
        return self.falls_at is not None and time.monotonic() >= self.falls_at

    def note(self, now: Counter[str], *, sending: bool) -> None:
        """One has fallen."""
        self.n_fallen, self.falls_at = self.n_fallen + 1, None
        for state in ("receiving", "processing", "results ready"):
            self.fallen_in[state] += bool(now[state])
        self.fallen_in["while senders sent"] += sending

    def _due(self, now: Counter[str], *, sending: bool) -> float | None:
        n_early = round(WHILE_SENT * self.n_kills)
        late = self.n_fallen - n_early
        if late < 0 and sending:
            received = self.n_fallen == 0 or now["receiving"]
            return time.monotonic() + self.rng.uniform(0, SOON_S) if received else None
        done = now["returned"] + now["failed"]
        if done < self.n_studies * late / (self.n_kills - n_early):
            return None
        if late % 2:
            return time.monotonic() + self.rng.uniform(0, LONGEST_DELAY_S)
        if not now["results ready"]:
            return None
        return time.monotonic() + self.rng.uniform(0, SOON_S)


def disturb(node, kills, asked, disk, sent) -> dict[str, float]:
    """Kills the node and fills its disk, until all is done; gives its memory after 20 studies."""
    until = time.monotonic() + (asked.longest or 300 + 15 * asked.n)
    early: dict[str, float] = {}
    filler = None
    while time.monotonic() < until:
        time.sleep(0.1)
        node.watch()
        now = states(node.folder)
        done = now["returned"] + now["failed"]
        if not early and done >= min(20, asked.n):
            early = dict(node.peaks_mb)
        if disk and filler is None and done >= asked.n // 3:
            print(f"{done} studies done: disk full for {FULL_S:g} s")
            filler = threading.Thread(target=fill, args=(disk, FULL_S))
            filler.start()
        if node.process.poll() is not None:
            print(f"the node ended by itself ({node.process.returncode}); started again")
            node.start()
        sending = not all(each.done() for each in sent)
        if kills.is_time(now, sending=sending):
            node.kill()
            kills.note(now, sending=sending)
            print(f"kill {kills.n_fallen}: {dict(now)}", flush=True)
            node.start()
        is_over = done == asked.n and not sending
        if is_over and kills.n_fallen >= asked.kills and (disk is None or filler is not None):
            break
    if filler is not None:
        filler.join()
    return early


def told(node, asked, ask, studies, early, kills, tries, seconds, is_small) -> bool:
    """Prints the table."""
    found = results_in(ask)
    uids = [str(images[0].StudyInstanceUID) for images in studies]
    once = [uid for uid in uids if all(found.get(uid, Counter())[kind] == 1 for kind in KINDS)]
    doubled = [uid for uid in uids if any(found.get(uid, Counter())[kind] > 1 for kind in KINDS)]
    now = states(node.folder)
    lost = asked.n - len(once) - len(doubled) - now["failed"]
    rows = {
        "studies sent": asked.n,
        "done exactly once (1 SEG and 1 SR in Orthanc)": len(once),
        "failed visibly": now["failed"],
        "lost": lost,
        "duplicates at the destination": len(doubled),
        "states in the node": ", ".join(f"{n} {state}" for state, n in now.items()),
        "kills": kills.n_fallen,
        "of them with a study in this state": ", ".join(
            f"{n} {state}" for state, n in kills.fallen_in.items()
        ),
        "disk full": "once, on a small ext4" if is_small else "no (not root, or no mount)",
        "connections by senders": tries["connections"],
        "connections cut off or refused an image": tries["cut off or refused"],
        f"peak memory, {min(20, asked.n)} studies, MB": _mb(early),
        f"peak memory, {asked.n} studies, MB": _mb(node.peaks_mb),
        "seconds": f"{seconds:.0f}",
    }
    for name, value in rows.items():
        print(f"{name:<48}{value}")
    if lost or doubled:
        print(node.log.read_text()[-4000:])
    for study in studies_of(node.folder):
        if str(study.state) == "failed":
            print(f"study {study.number}: {study.reason}")
    return not lost and not doubled and now["returned"] == len(once)


def _mb(peaks: dict[str, float]) -> str:
    return ", ".join(f"{name} {mb:.0f}" for name, mb in peaks.items())


if __name__ == "__main__":
    main()
