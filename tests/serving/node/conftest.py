"""A node in this process, which fakes its segmentation, and images to send to it."""

import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

from myoseg.serving.node.node import NodeOptions, run_node
from myoseg.serving.node.receiver import Listening
from myoseg.serving.node.study import Limits, Patience

# The process that segments finds the fakes there, since it searches where this one does.
sys.path.append(str(Path(__file__).parent))

QUICK = Patience(settle_s=0.3, broken_s=2.0, most_attempts=2, first_wait_s=0.2, longest_wait_s=0.5)
SMALL = Limits(instance_bytes=1 << 20, free_bytes=0)


def connect(port, *, ae_title="SCANNER", called="MYOSEG", classes=(MRImageStorage,), **options):
    from pynetdicom import AE

    scanner = AE(ae_title)
    for each in classes:
        scanner.add_requested_context(each, options.pop("syntax", ExplicitVRLittleEndian))
    return scanner.associate("127.0.0.1", port, ae_title=called, **options)


def send_images(port, *images, **options):
    """Sends images over one connection; gives the statuses."""
    association = connect(port, **options)
    assert association.is_established
    statuses = [association.send_c_store(each).Status for each in images]
    association.release()
    return statuses


@dataclass
class Archive:
    """Where results go: what was sent, and what is to be answered."""

    sent: list = field(default_factory=list)
    fault: str = ""

    def __call__(self, destination, files):
        import pydicom

        if self.fault:
            return self.fault
        for path in files:
            ds = pydicom.dcmread(path)
            self.sent.append((destination, str(ds.StudyInstanceUID), str(ds.ImageComments)))
        return ""


class RunningNode:
    """A node in a thread."""

    def __init__(self, folder, archive, **changes):
        values = {
            "destinations": ("dicom://PACS@127.0.0.1:1",),
            "listening": Listening(port=0),
            "patience": QUICK,
            "limits": SMALL,
            "longest_job_s": 3.0,
            "stopping_s": 5.0,
        }
        self.stop, self.folder = threading.Event(), folder
        started = threading.Event()
        self.port, self.error = 0, None

        def begin(port):
            self.port = port
            started.set()

        def run():
            try:
                from node_fakes import FakeSource

                run_node(
                    folder,
                    NodeOptions(**(values | changes)),
                    FakeSource(),
                    archive,
                    self.stop,
                    begin,
                )
            except Exception as error:
                self.error = error
            finally:
                started.set()

        self.thread = threading.Thread(target=run)
        self.thread.start()
        assert started.wait(60)
        if self.error is not None:
            raise self.error

    def studies(self):
        from myoseg.serving.node.status import studies_of

        return studies_of(self.folder)

    def wait_for(self, *states, within_s=30.0):
        """Waits until the studies are in these states; gives them."""
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            studies = self.studies()
            if [str(study.state) for study in studies] == list(states):
                return studies
            time.sleep(0.05)
        raise AssertionError([(str(each.state), each.reason) for each in self.studies()])

    def end(self):
        self.stop.set()
        self.thread.join(60)
        assert not self.thread.is_alive()


@pytest.fixture
def archive():
    return Archive()


@pytest.fixture
def run(tmp_path, archive):
    """Runs a node in a folder of its own; it is ended after the test."""
    nodes = []

    def start(archive=archive, **changes):
        nodes.append(RunningNode(tmp_path / "state", archive, **changes))
        return nodes[-1]

    yield start
    for node in nodes:
        node.end()


@pytest.fixture(name="image")
def _image():
    from node_fakes import image

    return image


@pytest.fixture(name="connect")
def _connect():
    return connect


@pytest.fixture(name="send_images")
def _send_images():
    return send_images
