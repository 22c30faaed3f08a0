"""The queue under crashes between any two steps, and under a full disk: what holds whatever comes.

A crash is an exception that nothing catches, after which all objects are thrown away and the folder
is opened anew. The process that segments writes something else each time, so that a result that was
made twice, and sent twice, would be seen at the archive.
"""

import errno
import hashlib
import itertools
import shutil
import sqlite3
import tempfile
from collections import defaultdict
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from myoseg.serving.node.queue import Queue
from myoseg.serving.node.state_folder import StateFolder
from myoseg.serving.node.study import Patience, State

PATIENCE = Patience(
    settle_s=10.0, broken_s=100.0, most_attempts=2, most_interruptions=1000, most_sendings=3
)
STUDIES = st.sampled_from(["1.1", "1.2"])
IMAGES = st.sampled_from(["7", "8", "9"])
MEMORY = Path("/dev/shm")
"""A disk in memory, on which waiting for the disk takes no time."""
TROUBLE = st.one_of(st.just(()), st.tuples(st.sampled_from(["crash", "full"]), st.integers(0, 9)))
DESTINATIONS = ("dicom://A@here:1", "dicom://B@here:2")


class Crash(BaseException):
    """What kill -9 is: nothing in the code under test catches it."""


class Steps:
    """Lets the n-th step from now crash, or find the disk full."""

    def __init__(self):
        self.trouble, self.left = "", 0

    def __call__(self, name):
        if not self.trouble:
            return
        self.left -= 1
        if self.left >= 0:
            return
        if self.trouble == "crash":
            self.trouble = ""
            raise Crash
        # What is committed is committed; a full disk is found while something is written.
        if name == "before commit":
            raise sqlite3.OperationalError("database or disk is full")
        if name != "committed":
            raise OSError(errno.ENOSPC, "no space left on device")


class Node(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.root = Path(tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None))
        self.now, self.serial, self.steps = 1000.0, itertools.count(), Steps()
        self.confirmed = defaultdict(dict)
        self.open, self.since = set(), 0.0
        self.archive = defaultdict(set)
        self.numbers = {}
        self.job = None
        self.queue = None
        self.forgotten = set()

    @initialize()
    def start(self):
        if self.queue is not None:
            self.queue.close()
        self.queue = Queue(
            StateFolder(self.root / "state"),
            DESTINATIONS,
            patience=PATIENCE,
            clock=lambda: self.now,
            step=self.steps,
        )
        self.queue.upkeep.recover()
        self.job, self.open, self.since = None, set(), self.now

    def teardown(self):
        if self.queue is not None:
            self.settle_all()
            self.queue.close()
        shutil.rmtree(self.root)

    def do(self, call, trouble=()):
        """Calls; a crash starts the node anew, and a full disk is told by None as a crash is."""
        self.steps.trouble, self.steps.left = trouble or ("", 0)
        try:
            return call()
        except Crash:
            self.steps.trouble = ""
            self.start()
        except (OSError, sqlite3.Error):
            assert self.steps.trouble == "full"
        finally:
            self.steps.trouble = ""
        return None

    def insist(self, call, trouble=()):
        """As the node does: what could not be recorded is recorded once there is room."""
        queue = self.queue
        if self.do(lambda: call() or True, trouble) is None and queue is self.queue:
            self.do(call)

    @rule(study=STUDIES, image=IMAGES, content=st.sampled_from([b"x", b"y"]), trouble=TROUBLE)
    def send_image(self, study, image, content, trouble):
        whole = b"/".join((study.encode(), image.encode(), content))
        path = self.queue.folder.incoming / f"{next(self.serial)}.part"
        path.write_bytes(whole)
        digest = hashlib.sha256(whole).hexdigest()
        before = self.queue.studies()
        queue = self.queue
        number = self.do(lambda: queue.inbox.add_image(study, image, path, digest), trouble)
        if number is not None:
            self.confirmed[number][image] = whole
            self.numbers[study] = number
            self.open.add(number)
        elif queue is self.queue:
            assert self.queue.studies() == before

    @rule(study=STUDIES, image=IMAGES, content=st.sampled_from([b"x", b"y"]), trouble=TROUBLE)
    def receive_whole(self, study, image, content, trouble):
        """All that makes a study ready, since single steps seldom meet in the order for it."""
        self.send_image(study, image, content, ())
        self.end_connection("", ())
        self.wait(10.0)
        self.settle(trouble)

    def has(self, *states):
        return any(study.state in states for study in self.queue.studies())

    @rule(gap=st.sampled_from(["", "", "broke off"]), trouble=TROUBLE)
    def end_connection(self, gap, trouble):
        numbers, since = set(self.open), self.since
        self.insist(lambda: self.queue.inbox.release(numbers, since, gap=gap), trouble)
        self.open, self.since = set(), self.now

    @rule(seconds=st.sampled_from([1.0, 10.0, 200.0]))
    def wait(self, seconds):
        self.now += seconds

    @rule(trouble=TROUBLE)
    def settle(self, trouble):
        self.do(lambda: self.queue.inbox.settle(self.open), trouble)

    @precondition(lambda self: self.job is None and self.has(State.READY))
    @rule(trouble=TROUBLE)
    def claim(self, trouble):
        if self.job is None:
            queue = self.queue
            job = self.do(queue.jobs.claim, trouble)
            self.job = job if queue is self.queue else None
            if self.job is not None:
                self.inputs = sorted(path.read_bytes() for path in job.images.iterdir())

    @precondition(lambda self: self.job is not None)
    @rule(trouble=TROUBLE)
    def segment(self, trouble):
        if self.job is not None:
            job, self.job = self.job, None
            job.work.mkdir()
            made = b"%d: %s" % (next(self.serial), b", ".join(self.inputs))
            (job.work / "study_seg.dcm").write_bytes(made)
            self.insist(lambda: self.queue.jobs.processed(job), trouble)

    @precondition(lambda self: self.job is None and self.has(State.READY))
    @rule(claiming=TROUBLE, segmenting=TROUBLE, delivering=TROUBLE)
    def work(self, claiming, segmenting, delivering):
        self.claim(claiming)
        self.segment(segmenting)
        self.deliver(arrives=True, trouble=delivering)

    @precondition(lambda self: self.job is not None)
    @rule(how=st.sampled_from(["failed", "lost", "handed back"]), trouble=TROUBLE)
    def segment_in_vain(self, how, trouble):
        if self.job is not None:
            job, self.job, jobs = self.job, None, self.queue.jobs
            calls = {
                "failed": lambda: jobs.failed(job, "no LGE"),
                "lost": lambda: jobs.lost(job, "it died"),
                "handed back": lambda: jobs.hand_back(job),
            }
            self.insist(calls[how], trouble)

    @precondition(lambda self: self.has(State.RESULTS))
    @rule(arrives=st.sampled_from([True, True, False]), trouble=TROUBLE)
    def deliver(self, arrives, trouble):
        outbox = self.queue.outbox
        delivery = self.do(outbox.next_delivery)
        if delivery is None:
            return
        if arrives:
            place = (delivery.destination, delivery.number, delivery.version)
            self.archive[place].add(tuple(path.read_bytes() for path in delivery.files))
            self.insist(lambda: outbox.delivered(delivery), trouble)
        else:
            self.insist(lambda: outbox.not_delivered(delivery, "no answer"), trouble)

    @precondition(lambda self: self.has(State.FAILED))
    @rule(trouble=TROUBLE)
    def retry(self, trouble):
        self.do(self.queue.upkeep.retry, trouble)

    @precondition(lambda self: self.has(State.RETURNED))
    @rule(trouble=TROUBLE)
    def forget(self, trouble):
        """All of studies that are returned, and of no other; their images first."""
        done = {each.number for each in self.queue.studies() if each.state is State.RETURNED}
        queue, later = self.queue, self.now + 1.0
        self.do(lambda: queue.upkeep.forget_images(later), trouble)
        self.do(lambda: self.queue.upkeep.forget_studies(later), trouble)
        left = {each.number: each for each in self.queue.studies()}
        for number in set(self.confirmed) - left.keys():
            assert number in done
            del self.confirmed[number]
            self.open.discard(number)
        for number in done & left.keys():
            if not left[number].n_images:
                self.confirmed.pop(number, None)

    @rule()
    def kill(self):
        self.start()

    @invariant()
    def nothing_confirmed_is_lost(self):
        if self.queue is None:
            return
        known = {study.number: study for study in self.queue.studies()}
        assert set(self.confirmed) <= set(known)
        for number, images in self.confirmed.items():
            kept = {path.read_bytes() for path in self.queue.folder.images_of(number).iterdir()}
            # Of an image that was sent again and not confirmed, the later content may stand there.
            names = {content.rsplit(b"/", 1)[0] for content in kept}
            assert {content.rsplit(b"/", 1)[0] for content in images.values()} <= names

    @invariant()
    def the_archive_has_one_result_of_each_version(self):
        for (_, number, version), contents in self.archive.items():
            assert len(contents) == 1, (number, version)
            assert all(files for files in contents)

    @invariant()
    def every_failure_says_why(self):
        if self.queue is not None:
            failed = [each for each in self.queue.studies() if each.state is State.FAILED]
            assert all(each.reason for each in failed)

    def settle_all(self):
        """Without further trouble all is returned or failed, and what is returned has arrived."""
        self.start()
        for _ in range(60):
            self.now += 2000.0
            self.settle(())
            self.claim(())
            self.segment(())
            self.deliver(arrives=True, trouble=())
        for study in self.queue.studies():
            assert study.state in (State.RETURNED, State.FAILED)
            if study.state is State.RETURNED:
                for destination in DESTINATIONS:
                    (files,) = self.archive[destination, study.number, study.version]
                    folder = self.queue.folder.images_of(study.number)
                    images = b", ".join(sorted(path.read_bytes() for path in folder.iterdir()))
                    assert files[0].split(b": ", 1)[1] == images
        self.the_archive_has_one_result_of_each_version()


TestNode = Node.TestCase
TestNode.settings = settings(max_examples=150, stateful_step_count=40)
