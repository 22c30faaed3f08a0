"""The queue of a node: what it does with studies, by hand-made examples."""

import hashlib
import sqlite3
import threading

import pytest

from myoseg.errors import ConfigurationError
from myoseg.serving.node import database, inbox, upkeep
from myoseg.serving.node.inbox import QueueFull
from myoseg.serving.node.queue import Queue
from myoseg.serving.node.state_folder import StateFolder, only_node
from myoseg.serving.node.study import Limits, Patience, State

PATIENCE = Patience(
    settle_s=10.0, broken_s=100.0, most_attempts=2, most_sendings=3, first_wait_s=4.0
)


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def open_queue(tmp_path, clock):
    opened = []

    def make(destinations=("dicom://PACS@here:1",), **options):
        for queue in opened:
            queue.close()
        given = {"patience": PATIENCE, "clock": clock} | options
        opened.append(Queue(StateFolder(tmp_path / "state"), destinations, **given))
        opened[-1].upkeep.recover()
        return opened[-1]

    yield make
    for queue in opened:
        queue.close()


def add(queue, study="1.2", instance="1.2.3", content=b"image"):
    path = queue.folder.incoming / f"{instance}.part"
    path.write_bytes(content)
    return queue.inbox.add_image(study, instance, path, hashlib.sha256(content).hexdigest())


def receive(queue, clock, study="1.2", **image):
    """A whole study of one image, which is ready."""
    number = add(queue, study, **image)
    queue.inbox.release({number}, since=clock.now)
    clock.now += 11
    queue.inbox.settle()
    return number


def finish(queue, job, content=b"result"):
    job.work.mkdir()
    (job.work / "study_seg.dcm").write_bytes(content)
    queue.jobs.processed(job)


def only(queue):
    (study,) = queue.studies()
    return study


def test_a_study_goes_from_receiving_to_returned(open_queue, clock):
    queue = open_queue()
    number = add(queue)
    assert only(queue).state is State.RECEIVING
    queue.inbox.release({number}, since=clock.now)
    clock.now += 10
    assert queue.inbox.settle() == (1,)
    job = queue.jobs.claim()
    assert only(queue).state is State.PROCESSING
    assert [path.read_bytes() for path in job.images.iterdir()] == [b"image"]
    finish(queue, job)
    delivery = queue.outbox.next_delivery()
    assert [path.read_bytes() for path in delivery.files] == [b"result"]
    queue.outbox.delivered(delivery)
    assert only(queue).state is State.RETURNED
    assert queue.outbox.next_delivery() is None


def test_a_study_is_not_complete_while_a_connection_sends_to_it(open_queue, clock):
    queue = open_queue()
    number = add(queue)
    queue.inbox.release({number}, since=clock.now)
    clock.now += 50
    assert queue.inbox.settle(busy={number}) == ()
    assert queue.inbox.settle() == (number,)


def test_a_new_image_starts_the_wait_again(open_queue, clock):
    queue = open_queue()
    number = add(queue)
    clock.now += 9
    add(queue, instance="1.2.4", content=b"second")
    queue.inbox.release({number}, since=clock.now)
    clock.now += 9
    assert queue.inbox.settle() == ()
    clock.now += 1
    assert queue.inbox.settle() == (number,)


def test_a_study_whose_sender_broke_off_fails_and_says_so(open_queue, clock):
    queue = open_queue()
    number = add(queue)
    queue.inbox.release({number}, since=clock.now, gap="the line broke")
    clock.now += 99
    assert queue.inbox.settle() == ()
    clock.now += 1
    assert queue.inbox.settle() == ()
    assert only(queue).state is State.FAILED
    assert only(queue).reason.startswith("the line broke; send the study again")


def test_a_study_that_is_sent_again_as_a_whole_is_whole(open_queue, clock):
    queue = open_queue()
    number = add(queue)
    queue.inbox.release({number}, since=clock.now, gap="the line broke")
    clock.now += 5
    began = clock.now
    assert add(queue) == number
    queue.inbox.release({number}, since=began)
    clock.now += 10
    assert queue.inbox.settle() == (number,)
    assert only(queue).n_images == 1


def test_the_end_of_an_older_connection_does_not_make_up_for_one_that_broke(open_queue, clock):
    queue = open_queue()
    number, began = add(queue), clock.now
    clock.now += 1
    queue.inbox.release({number}, since=clock.now, gap="the line broke")
    queue.inbox.release({number}, since=began)
    clock.now += 50
    assert queue.inbox.settle() == ()


def test_a_failed_study_that_is_sent_again_is_tried_again(open_queue, clock):
    queue = open_queue()
    receive(queue, clock)
    queue.jobs.failed(queue.jobs.claim(), "no LGE")
    assert (only(queue).state, only(queue).reason) == (State.FAILED, "no LGE")
    receive(queue, clock)
    assert (only(queue).state, only(queue).version) == (State.READY, 1)


def test_the_same_image_again_does_nothing_to_a_returned_study(open_queue, clock):
    queue = open_queue()
    receive(queue, clock)
    finish(queue, queue.jobs.claim())
    queue.outbox.delivered(queue.outbox.next_delivery())
    receive(queue, clock)
    assert (only(queue).state, only(queue).version) == (State.RETURNED, 1)


@pytest.mark.parametrize("until", ["processing", "results", "returned"])
def test_a_late_image_makes_a_new_version(open_queue, clock, until):
    queue = open_queue()
    receive(queue, clock)
    job = queue.jobs.claim()
    if until != "processing":
        finish(queue, job)
    if until == "returned":
        queue.outbox.delivered(queue.outbox.next_delivery())
    receive(queue, clock, instance="1.2.4", content=b"late")
    if until == "processing":
        finish(queue, job, b"of too few images")
    assert (only(queue).state, only(queue).version, only(queue).n_images) == (State.READY, 2, 2)
    assert queue.outbox.next_delivery() is None
    finish(queue, queue.jobs.claim(), b"of both")
    assert queue.outbox.next_delivery().files[0].read_bytes() == b"of both"


def test_an_image_with_other_content_takes_the_place_of_the_first(open_queue, clock):
    queue = open_queue()
    receive(queue, clock)
    finish(queue, queue.jobs.claim())
    receive(queue, clock, content=b"corrected")
    job = queue.jobs.claim()
    assert [path.read_bytes() for path in job.images.iterdir()] == [b"corrected"]
    assert job.version == 2


def test_a_study_that_kills_its_process_fails_after_the_last_attempt(open_queue, clock):
    queue = open_queue()
    receive(queue, clock)
    queue.jobs.lost(queue.jobs.claim(), "it died")
    assert only(queue).state is State.READY
    queue.jobs.lost(queue.jobs.claim(), "it died")
    assert (only(queue).state, only(queue).reason) == (State.FAILED, "it died; tried 2 times")


def test_a_study_that_is_handed_back_loses_no_attempt(open_queue, clock):
    queue = open_queue()
    receive(queue, clock)
    for _ in range(5):
        queue.jobs.hand_back(queue.jobs.claim())
    assert (only(queue).state, only(queue).attempts) == (State.READY, 0)


def test_a_study_waits_where_its_results_could_not_be_written(open_queue, clock):
    queue = open_queue()
    receive(queue, clock)
    queue.jobs.hand_back(queue.jobs.claim(), "no room", 30.0)
    assert queue.jobs.claim() is None
    clock.now += 30
    assert queue.jobs.claim() is not None


def test_a_node_that_dies_with_a_study_takes_it_up_again_but_not_for_ever(open_queue, clock):
    patience = Patience(settle_s=10.0, most_interruptions=3)
    queue = open_queue(patience=patience)
    receive(queue, clock)
    for _ in range(2):
        assert queue.jobs.claim() is not None
        queue = open_queue(patience=patience)
        assert (only(queue).state, only(queue).attempts) == (State.READY, 0)
    queue.jobs.claim()
    assert only(open_queue(patience=patience)).state is State.FAILED


def test_results_are_sent_again_after_waits_that_double_and_fail_at_last(open_queue, clock):
    queue = open_queue()
    receive(queue, clock)
    finish(queue, queue.jobs.claim())
    for wait in (4, 8):
        queue.outbox.not_delivered(queue.outbox.next_delivery(), "no answer")
        assert queue.outbox.next_delivery() is None
        clock.now += wait
    queue.outbox.not_delivered(queue.outbox.next_delivery(), "no answer")
    assert only(queue).state is State.FAILED
    assert only(queue).reason == "not returned: no answer; tried 3 times"


def test_a_study_is_returned_when_every_destination_has_its_results(open_queue, clock):
    queue = open_queue(("dicom://A@here:1", "dicom://B@here:2"))
    receive(queue, clock)
    finish(queue, queue.jobs.claim())
    first = queue.outbox.next_delivery()
    queue.outbox.delivered(first)
    assert only(queue).state is State.RESULTS
    second = queue.outbox.next_delivery()
    assert {first.destination, second.destination} == {"dicom://A@here:1", "dicom://B@here:2"}
    queue.outbox.delivered(second)
    assert only(queue).state is State.RETURNED


def test_an_archive_that_does_not_answer_keeps_nothing_from_the_others(open_queue, clock):
    queue = open_queue(("dicom://A@here:1", "dicom://B@here:2"))
    receive(queue, clock)
    finish(queue, queue.jobs.claim())
    first = queue.outbox.next_delivery()
    queue.outbox.not_delivered(first, "no answer")
    clock.now += 4
    second = queue.outbox.next_delivery()
    assert second.destination != first.destination
    queue.outbox.delivered(second)
    assert queue.outbox.next_delivery().destination == first.destination


def test_each_destination_has_its_own_waits_and_its_own_tries(open_queue, clock):
    """A is down: B has the results at once, and A is tried after 4 s and after 8 s more."""
    a, b = "dicom://A@here:1", "dicom://B@here:2"
    queue = open_queue((a, b))
    receive(queue, clock)
    finish(queue, queue.jobs.claim())
    queue.outbox.not_delivered(queue.outbox.next_delivery(a), "A does not answer")
    assert queue.outbox.next_delivery(a) is None
    queue.outbox.delivered(queue.outbox.next_delivery(b))
    assert queue.outbox.next_delivery(b) is None
    for wait_s in (4, 8):
        assert only(queue).state is State.RESULTS
        clock.now += wait_s
        queue.outbox.not_delivered(queue.outbox.next_delivery(a), "A does not answer")
    assert only(queue).state is State.FAILED
    assert only(queue).reason == "not returned everywhere: A does not answer; tried 3 times"


def test_a_study_that_one_archive_never_takes_is_sent_to_the_others_first(open_queue, clock):
    """A gave up before B answered at all: the study fails only once B has been heard."""
    a, b = "dicom://A@here:1", "dicom://B@here:2"
    queue = open_queue((a, b))
    receive(queue, clock)
    finish(queue, queue.jobs.claim())
    for _ in range(3):
        queue.outbox.not_delivered(queue.outbox.next_delivery(a), "A is full")
        clock.now += 8
    assert (queue.outbox.next_delivery(a), only(queue).state) == (None, State.RESULTS)
    queue.outbox.delivered(queue.outbox.next_delivery(b))
    assert (only(queue).state, only(queue).sendings) == (State.FAILED, 3)
    assert queue.upkeep.retry() == (1,)
    assert {queue.outbox.next_delivery(each).destination for each in (a, b)} == {a, b}


def test_a_destination_that_is_left_out_at_the_next_start_is_waited_for_no_longer(
    open_queue, clock
):
    a, b = "dicom://A@here:1", "dicom://B@here:2"
    queue = open_queue((a, b))
    receive(queue, clock)
    finish(queue, queue.jobs.claim())
    queue.outbox.delivered(queue.outbox.next_delivery(b))
    queue.outbox.not_delivered(queue.outbox.next_delivery(a), "A does not answer")
    queue = open_queue((b,))
    assert queue.outbox.next_delivery(b) is None
    assert only(queue).state is State.RETURNED


def test_results_that_were_not_returned_are_sent_when_their_study_is_sent_again(open_queue, clock):
    queue = open_queue()
    receive(queue, clock)
    finish(queue, queue.jobs.claim(), b"first")
    for _ in range(3):
        queue.outbox.not_delivered(queue.outbox.next_delivery(), "no answer")
        clock.now += 8
    assert only(queue).state is State.FAILED
    add(queue)
    assert queue.jobs.claim() is None
    assert queue.outbox.next_delivery().files[0].read_bytes() == b"first"
    assert only(queue).sendings == 0


def test_retry_sends_results_again_that_are_made_and_else_segments(open_queue, clock):
    queue = open_queue()
    receive(queue, clock)
    receive(queue, clock, study="1.3", content=b"other")
    finish(queue, queue.jobs.claim())
    queue.outbox.delivered(queue.outbox.next_delivery())
    queue.jobs.failed(queue.jobs.claim(), "no LGE")
    assert queue.upkeep.retry() == (2,)
    assert queue.upkeep.retry([1]) == (1,)
    assert [study.state for study in queue.studies()] == [State.RESULTS, State.READY]
    assert queue.outbox.next_delivery() is not None


def test_retry_refuses_studies_that_it_cannot_take_up(open_queue, clock):
    queue = open_queue()
    with pytest.raises(ConfigurationError, match="there is no study 7; `myoseg node status`"):
        queue.upkeep.retry([7])
    receive(queue, clock)
    with pytest.raises(ConfigurationError, match="study 1 is under way"):
        queue.upkeep.retry([1])
    finish(queue, queue.jobs.claim())
    queue.outbox.delivered(queue.outbox.next_delivery())
    queue.upkeep.forget_images(clock.now + 1)
    with pytest.raises(ConfigurationError, match="send the study again"):
        queue.upkeep.retry([1])


def test_images_of_returned_studies_go_and_those_of_others_stay(open_queue, clock):
    queue = open_queue()
    receive(queue, clock)
    receive(queue, clock, study="1.3", content=b"other")
    finish(queue, queue.jobs.claim())
    queue.outbox.delivered(queue.outbox.next_delivery())
    queue.jobs.failed(queue.jobs.claim(), "no LGE")
    assert queue.upkeep.forget_images(clock.now) == ()
    assert queue.upkeep.forget_images(clock.now + 1) == (1,)
    assert [study.n_images for study in queue.studies()] == [0, 1]
    assert [path.name for path in queue.folder.images.iterdir()] == ["000002"]
    assert not any(queue.folder.results.iterdir())


def returned_study(queue, clock, study="1.2"):
    number = receive(queue, clock, study=study, content=study.encode())
    finish(queue, queue.jobs.claim())
    queue.outbox.delivered(queue.outbox.next_delivery())
    return number


def test_what_is_known_of_returned_studies_goes_and_that_of_others_stays(open_queue, clock):
    queue = open_queue()
    returned_study(queue, clock)
    for study in ("1.3", "1.4", "1.5"):
        receive(queue, clock, study=study, content=study.encode())
    queue.jobs.failed(queue.jobs.claim(), "no LGE")
    finish(queue, queue.jobs.claim())
    clock.now += 1e6
    assert queue.upkeep.forget_studies(clock.now) == (), "its images are still there"
    queue.upkeep.forget_images(clock.now)
    queue.folder.results_of(1, 1).mkdir()
    assert queue.upkeep.forget_studies(clock.now - 2e6) == (), "it was returned later than that"
    assert queue.upkeep.forget_studies(clock.now) == (1,)
    kept = [(study.number, study.state) for study in queue.studies()]
    assert kept == [(2, State.FAILED), (3, State.RESULTS), (4, State.READY)]
    assert not queue.folder.results_of(1, 1).exists()
    tables = ("studies", "history", "deliveries", "tries", "instances")
    columns = ("number", *["study"] * 4)
    for table, column in zip(tables, columns, strict=True):
        found = queue._record.rows(f"SELECT * FROM {table} WHERE {column} = 1")
        assert found == [], table


def test_a_study_that_is_sent_again_within_the_retention_is_the_same_study(open_queue, clock):
    queue = open_queue()
    assert returned_study(queue, clock) == 1
    clock.now += 100
    assert queue.upkeep.forget_studies(clock.now - 200) == ()
    assert receive(queue, clock, content=b"1.2") == 1
    assert (only(queue).state, only(queue).version) == (State.RETURNED, 1), "and not done again"
    queue.upkeep.forget_images(clock.now + 1)
    assert receive(queue, clock, content=b"1.2") == 1
    assert (only(queue).state, only(queue).version) == (State.READY, 2)
    assert queue.upkeep.forget_studies(clock.now + 1e9) == (), "it waits again"


def test_a_study_that_is_sent_again_later_is_a_new_one(open_queue, clock):
    queue = open_queue()
    returned_study(queue, clock)
    clock.now += 100
    queue.upkeep.forget_images(clock.now)
    assert queue.upkeep.forget_studies(clock.now) == (1,)
    assert receive(queue, clock, content=b"1.2") == 2, "numbers are not given twice"
    finish(queue, queue.jobs.claim())
    queue.outbox.delivered(queue.outbox.next_delivery())
    assert (only(queue).number, only(queue).state, only(queue).version) == (2, State.RETURNED, 1)


def test_a_study_to_which_a_connection_sends_is_not_forgotten(open_queue, clock):
    """The same image came again, and its sender has not ended: no row goes under its hands."""
    queue = open_queue()
    number = returned_study(queue, clock)
    add(queue, content=b"1.2")
    queue.upkeep.forget_images(clock.now + 1)
    clock.now += 100
    assert queue.upkeep.forget_studies(clock.now) == ()
    queue.inbox.release({number}, since=clock.now)
    assert queue.upkeep.forget_studies(clock.now) == (number,)
    queue.inbox.release({number}, since=clock.now)
    assert queue.studies() == ()


def during_removal(monkeypatch, module, do):
    """Has another thread do something as soon as files are removed; it may have to wait."""
    threads = [threading.Thread(target=do)]
    remove = module.remove

    def meanwhile(paths):
        if threads[0].ident is None:
            threads[0].start()
            threads[0].join(0.3)
        remove(paths)

    monkeypatch.setattr(module, "remove", meanwhile)
    return threads[0]


def test_an_image_that_comes_while_older_ones_are_removed_stays(open_queue, clock, monkeypatch):
    queue = open_queue()
    receive(queue, clock)
    finish(queue, queue.jobs.claim())
    queue.outbox.delivered(queue.outbox.next_delivery())
    other = during_removal(
        monkeypatch, upkeep, lambda: add(queue, instance="1.2.4", content=b"late")
    )
    queue.upkeep.forget_images(clock.now + 1)
    other.join()
    assert [path.read_bytes() for path in queue.folder.images_of(1).iterdir()] == [b"late"]


def test_of_two_senders_of_other_contents_the_later_has_its_file(open_queue, monkeypatch):
    queue = open_queue()
    add(queue, content=b"first")
    path = queue.folder.incoming / "other.part"
    path.write_bytes(b"first")
    digest = hashlib.sha256(b"first").hexdigest()
    other = during_removal(
        monkeypatch, inbox, lambda: queue.inbox.add_image("1.2", "1.2.3", path, digest)
    )
    add(queue, content=b"second")
    other.join()
    assert [path.read_bytes() for path in queue.folder.images_of(1).iterdir()] == [b"first"]


@pytest.mark.parametrize("step", ["folder made", "file moved", "before commit"])
def test_an_image_that_was_refused_leaves_no_file(open_queue, step):
    troubles = []

    def full(name):
        if name in troubles:
            raise OSError("no space left on device")

    queue = open_queue(step=full)
    troubles.append(step)
    with pytest.raises(OSError, match="no space"):
        add(queue)
    assert not [path for path in queue.folder.images.rglob("*") if path.is_file()]


def test_a_clock_that_is_set_back_makes_nothing_wait_for_the_time_it_showed(open_queue, clock):
    queue = open_queue()
    receive(queue, clock)
    finish(queue, queue.jobs.claim())
    number = add(queue, study="1.3", content=b"other")
    queue.inbox.release({number}, since=clock.now)
    queue.outbox.not_delivered(queue.outbox.next_delivery(), "no answer")
    clock.now -= 1e6
    assert queue.inbox.settle() == ()
    clock.now += 10
    assert queue.inbox.settle() == (number,)
    clock.now += PATIENCE.longest_wait_s
    assert queue.outbox.next_delivery() is not None


def test_a_study_of_too_many_bytes_is_refused_and_what_came_is_kept(open_queue, clock):
    queue = open_queue(limits=Limits(study_bytes=10))
    add(queue, content=b"12345")
    with pytest.raises(QueueFull, match="a study of more than 1e-08 GB"):
        add(queue, instance="1.2.4", content=b"678901")
    assert only(queue).n_images == 1


def test_a_new_study_is_refused_where_too_many_wait_and_an_old_one_is_not(open_queue, clock):
    queue = open_queue(limits=Limits(n_waiting=1))
    add(queue)
    with pytest.raises(QueueFull, match="1 studies are waiting"):
        add(queue, study="1.3")
    add(queue, instance="1.2.4", content=b"second")
    assert only(queue).n_images == 2


def test_no_identifier_stands_in_the_database_or_in_a_name(open_queue, clock):
    queue = open_queue()
    receive(queue, clock, study="1.2.840.99", instance="1.2.840.77")
    queue.close()
    folder = queue.folder.root
    assert not any("1.2.840" in str(path) for path in folder.rglob("*"))
    assert b"1.2.840" not in b"".join(path.read_bytes() for path in folder.glob("studies*"))


def test_the_folder_is_for_its_owner_alone(open_queue):
    folder = open_queue().folder
    places = (folder.root, folder.images, folder.incoming, folder.results, folder.work)
    assert {path.stat().st_mode & 0o777 for path in places} == {0o700}


def test_a_second_node_in_the_folder_is_refused(open_queue):
    folder = open_queue().folder
    refused = pytest.raises(ConfigurationError, match="another node runs in")
    with only_node(folder), refused, only_node(folder):
        pass
    with only_node(folder):
        pass


def test_a_folder_with_other_files_is_refused(tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(ConfigurationError, match="holds other files than a node's"):
        Queue(StateFolder(tmp_path))


@pytest.mark.parametrize(
    "content", [b"no database at all" * 100, b"SQLite format 3\0" + b"x" * 4096]
)
def test_a_damaged_database_is_refused(tmp_path, content):
    (tmp_path / "studies.sqlite").write_bytes(content)
    with pytest.raises(ConfigurationError, match="is damaged"):
        Queue(StateFolder(tmp_path))
    assert (tmp_path / "studies.sqlite").read_bytes() == content


def test_another_programs_database_is_refused(tmp_path):
    with sqlite3.connect(tmp_path / "studies.sqlite") as foreign:
        foreign.execute("CREATE TABLE letters (text TEXT)")
    with pytest.raises(ConfigurationError, match="is another program's"):
        Queue(StateFolder(tmp_path))


def test_a_database_of_another_format_is_refused(open_queue):
    queue = open_queue()
    queue.close()
    with sqlite3.connect(queue.folder.database) as later:
        later.execute("PRAGMA user_version = 9")
    with pytest.raises(ConfigurationError, match="is of format 9"):
        Queue(queue.folder)


def test_a_database_of_the_first_format_goes_on(open_queue, clock):
    """It had one wait for all destinations and no table `tries`."""
    queue = open_queue()
    receive(queue, clock)
    finish(queue, queue.jobs.claim())
    queue.close()
    with sqlite3.connect(queue.folder.database) as earlier:
        earlier.execute("DROP TABLE tries")
        earlier.execute("PRAGMA user_version = 1")
    queue = open_queue()
    queue.outbox.not_delivered(queue.outbox.next_delivery(), "no answer")
    assert only(queue).sendings == 1
    with sqlite3.connect(queue.folder.database) as now:
        assert now.execute("PRAGMA user_version").fetchone() == (database.FORMAT,)


def fault_of(code, words="some words"):
    error = sqlite3.OperationalError(words)
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (sqlite3.SQLITE_BUSY, r"is locked by another program, and was for .* s; end what holds it"),
        (sqlite3.SQLITE_BUSY | 2 << 8, "is locked by another program"),
        (sqlite3.SQLITE_CORRUPT, "is damaged or no database.*restore it from a copy"),
        (sqlite3.SQLITE_FULL, "cannot be used .*free some space"),
        (sqlite3.SQLITE_IOERR | 10 << 8, "cannot be used .*look after its disk"),
        (sqlite3.SQLITE_READONLY, "cannot be used .*have its owner"),
        (sqlite3.SQLITE_CANTOPEN, "cannot be used .*have its owner"),
        (sqlite3.SQLITE_ERROR, "cannot be used .some words.; give another --folder"),
    ],
)
def test_what_sqlite_says_is_told_with_the_file_and_the_remedy(tmp_path, code, told):
    path = tmp_path / "studies.sqlite"
    with pytest.raises(ConfigurationError, match=told) as refused, database.faults_told(path):
        raise fault_of(code)
    assert str(refused.value).startswith(str(path))


def test_files_that_no_record_speaks_of_go_at_the_start(open_queue, clock):
    queue = open_queue()
    receive(queue, clock)
    strays = [
        queue.folder.incoming / "a.part",
        queue.folder.images_of(1) / "b.dcm",
        queue.folder.work / "c",
        queue.folder.results_of(1, 1) / "d.dcm",
    ]
    for path in strays:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    queue = open_queue()
    assert not any(path.exists() for path in strays)
    assert only(queue).n_images == len(list(queue.folder.images_of(1).iterdir())) == 1
