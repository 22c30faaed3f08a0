"""A node in a process of its own that is killed, stopped, or not let in."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import pytest

from myoseg.serving.node.status import studies_of

pytest.importorskip("pynetdicom")
pytestmark = pytest.mark.skipif(os.name == "nt", reason="kills by signals that Windows lacks")

PROGRAM = Path(__file__).with_name("run_fake_node.py")


class Process:
    def __init__(self, folder, port):
        self.folder, self.port, self.process = folder, port, None

    def start(self):
        command = [sys.executable, PROGRAM, self.folder, str(self.port)]
        self.process = subprocess.Popen(list(map(str, command)), stderr=subprocess.DEVNULL)

    def end(self, number):
        self.process.send_signal(number)
        return self.process.wait(60)

    def states(self):
        if not (self.folder / "studies.sqlite").exists():
            return []
        return [str(study.state) for study in studies_of(self.folder)]

    def sent(self):
        """What the archive has of each study."""
        found = defaultdict(list)
        archive = self.folder.with_name("archive")
        for line in archive.read_text().splitlines() if archive.exists() else ():
            study, result = line.split()
            found[study].append(result)
        return found


def wait_until(condition, within_s=90.0):
    until = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.fixture
def node(tmp_path, free_port):
    process = Process(tmp_path / "state", free_port())
    process.start()
    yield process
    process.process.kill()
    process.process.wait()


@pytest.fixture
def send_until_confirmed(connect, image):
    def send(node, study):
        images = [image(study=study, number=k) for k in (1, 2)]

        def is_up():
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", node.port)) == 0

        def is_sent():
            association = connect(node.port)
            if not association.is_established:
                return False
            statuses = [association.send_c_store(each).get("Status") for each in images]
            association.release()
            return statuses == [0, 0]

        wait_until(is_up)
        wait_until(is_sent)

    return send


def test_studies_survive_two_kills_and_each_arrives_once(node, send_until_confirmed):
    studies = ["1.2.1", "1.2.2", "1.2.3"]
    for study in studies:
        send_until_confirmed(node, study)
    wait_until(lambda: "processing" in node.states())
    node.end(signal.SIGKILL)
    assert len(node.states()) == 3
    hold = node.folder.with_name("hold")
    hold.touch()
    node.start()
    wait_until(lambda: node.sent())
    node.end(signal.SIGKILL)
    assert "returned" not in node.states()
    hold.unlink()
    node.start()
    wait_until(lambda: node.states() == ["returned"] * 3)
    found = node.sent()
    assert {study: len(set(results)) for study, results in found.items()} == dict.fromkeys(
        studies, 1
    )
    # The first was sent before the kill and again after it: the same result both times.
    assert sum(len(results) for results in found.values()) == len(studies) + 1


def test_a_node_that_is_stopped_hands_back_what_it_does(node, send_until_confirmed):
    send_until_confirmed(node, "1.2.1")
    wait_until(lambda: "processing" in node.states())
    assert node.end(signal.SIGTERM) in (0, -signal.SIGTERM)
    (study,) = studies_of(node.folder)
    assert (str(study.state), study.attempts, study.interruptions) == ("ready", 0, 0)


def test_a_killed_node_leaves_no_process_behind(node, send_until_confirmed, free_port):
    send_until_confirmed(node, "1.2.1")
    pid = node.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children")
    if not children.exists():
        pytest.skip("this system does not list a process's children in /proc")
    workers = [int(each) for each in children.read_text().split()]
    node.end(signal.SIGKILL)
    wait_until(lambda: not any(Path(f"/proc/{worker}/cmdline").exists() for worker in workers))
