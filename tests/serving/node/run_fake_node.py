"""A node that fakes its segmentation slowly; takes its folder and its port.

What it sends is told in a file beside the folder, in the place of an archive: each line is one
result, as the study that it is of and its own identifier, which no two results share.
"""

import importlib
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pydicom
from pydicom.uid import generate_uid

from myoseg.serving.node.node import NodeOptions, run_node
from myoseg.serving.node.receiver import Listening
from myoseg.serving.node.study import Limits, Patience


def slow_results(images, out):
    from node_fakes import fake_results

    time.sleep(0.3)
    fake_results(images, out)
    for path in out.iterdir():
        ds = pydicom.dcmread(path)
        ds.SOPInstanceUID = generate_uid()
        ds.save_as(path)


@dataclass(frozen=True)
class SlowSource:
    def load(self):
        return slow_results


def main(folder, port):
    archive = folder.with_name("archive")

    def send(destination, files):
        for path in files:
            ds = pydicom.dcmread(path)
            handle = os.open(archive, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.write(handle, f"{ds.StudyInstanceUID} {ds.SOPInstanceUID}\n".encode())
            os.close(handle)
        # So that a kill finds results that were sent and are not yet noted as such.
        while folder.with_name("hold").exists():
            time.sleep(0.05)
        return ""

    options = NodeOptions(
        ("dicom://PACS@127.0.0.1:1",),
        Listening(port=port),
        Patience(settle_s=0.5, broken_s=60.0),
        Limits(free_bytes=0),
    )
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    # By its name as a module, since the process that segments knows no other main program.
    run_node(folder, options, importlib.import_module("run_fake_node").SlowSource(), send, stop)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
