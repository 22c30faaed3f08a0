"""Many cases through one model on a Ray cluster, each worker of which loads it once.

The results are those of one process. Input and output folders must be reachable under the same
paths from every node. A worker that is lost, with its node or without, is started anew elsewhere
and its cases are done again; a case that loses its worker each time is reported as failed.
"""

import logging
import os
import socket
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from myoseg.cases.layouts import CaseFiles
from myoseg.cohort import CaseOutcome, PredictOptions, predict_case
from myoseg.errors import ConfigurationError
from myoseg.prediction.model import ModelSource

log = logging.getLogger(__name__)

WAITING_PER_WORKER: Final = 2
"""Cases that are handed out ahead, so that no worker waits for its next."""

RETRIES: Final = 3
"""How often a case is done again whose worker was lost."""

LOST: Final = f"the worker that segmented it was lost {RETRIES + 1} times"


def predict_on_ray(
    files: Iterable[CaseFiles],
    source: ModelSource,
    out: Path,
    options: PredictOptions,
    address: str,
    n_workers: int | None = None,
) -> Iterator[CaseOutcome]:
    """As `cohort.predict_cohort`, in the order in which cases are done.

    Args:
        files: the cases.
        source: of the model; a worker takes as many CPUs as it names threads, 1 by default.
        out: the folder.
        options: what is asked for.
        address: of the cluster: HOST:PORT, ray://HOST:PORT, "auto" for the one this machine belongs
            to, or "local" for one of this machine alone, which ends with the program.
        n_workers: at once; as many as the cluster has CPUs for where not given.

    Raises:
        ConfigurationError: Ray is not installed, no cluster answers at the address, or it is too
            small for one worker.
        OutputError: `out` cannot be written to.
        ModelError: the model cannot be loaded.
    """
    fits = workers_that_fit(source, address)
    ray = _ray_at(address)
    n_threads = source.n_threads or 1
    source = replace(source, n_threads=n_threads, model=_model_for_workers(source.model))
    make = ray.remote(num_cpus=n_threads, max_restarts=-1, max_task_retries=RETRIES)(_Worker)
    level = logging.getLogger("myoseg").getEffectiveLevel()
    drawn = options.contours
    if drawn is not None:
        drawn = {name: replace(file, path=file.path.resolve()) for name, file in drawn.items()}
    asked = replace(options, contours=drawn)
    queue = deque(_with_full_paths(each) for each in files)
    n_needed = min(n_workers or fits, fits, max(1, len(queue)))
    workers = [make.remote(source, out.resolve(), asked, level) for _ in range(n_needed)]
    log.info(
        "%d workers with %d threads each on the cluster at %s", len(workers), n_threads, address
    )
    try:
        yield from _outcomes(ray, workers, queue)
    finally:
        for worker in workers:
            ray.kill(worker)


def workers_that_fit(source: ModelSource, address: str) -> int:
    """How many workers the cluster has CPUs for; connects to it, if that has not been done.

    Raises:
        ConfigurationError: as `predict_on_ray`.
    """
    ray, n_threads = _ray_at(address), source.n_threads or 1
    fits = sum(
        int(node["Resources"].get("CPU", 0)) // n_threads for node in ray.nodes() if node["Alive"]
    )
    if fits < 1:
        raise ConfigurationError(
            f"the cluster at {address} has no node with {n_threads} CPUs; give fewer --threads."
        )
    return fits


def _outcomes(ray: Any, workers: list[Any], queue: deque[CaseFiles]) -> Iterator[CaseOutcome]:
    running: dict[Any, tuple[CaseFiles, Any]] = {}
    free = deque(worker for _ in range(WAITING_PER_WORKER) for worker in workers)
    while queue or running:
        while queue and free:
            case, worker = queue.popleft(), free.popleft()
            running[worker.predict.remote(case)] = case, worker
        (done,), _ = ray.wait(list(running), num_returns=1)
        case, worker = running.pop(done)
        free.append(worker)
        try:
            yield ray.get(done)
        except ray.exceptions.RayTaskError as error:
            raise error.cause from error
        except (ray.exceptions.RayActorError, ray.exceptions.WorkerCrashedError):
            log.error("%s: %s", case.name, LOST)
            yield CaseOutcome(case.name, LOST)


def _with_full_paths(files: CaseFiles) -> CaseFiles:
    """Workers run in other folders."""
    images = {sequence: path.resolve() for sequence, path in files.images.items()}
    dicom = files.dicom and files.dicom.with_full_paths()
    return replace(
        files, images=images, labels=files.labels and files.labels.resolve(), dicom=dicom
    )


def _model_for_workers(model: Path | str) -> Path | str:
    """A run's folder in full; the name of a shipped model as it is, since workers have theirs."""
    return Path(model).resolve() if Path(model).exists() else model


def _require_answer(address: str) -> None:
    """Asks whether anybody listens at HOST:PORT, since Ray would go on trying for minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not colon or not port.isdecimal():
        return
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except OSError as error:
        raise ConfigurationError(
            f"no Ray cluster answers at {address}: {error}. Start one with `ray start --head` and "
            "give its address, or use --ray local."
        ) from error


def _ray_at(address: str) -> Any:
    """The library, connected."""
    # Ray reports its use to its makers unless it is told not to.
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    try:
        import ray
    except ImportError as error:
        raise ConfigurationError(
            "Ray is not installed; `pip install 'myoseg[ray]'`, or use --jobs on this machine."
        ) from error
    if not ray.is_initialized():
        _require_answer(address)
        try:
            ray.init(address=address, log_to_driver=True, logging_level=logging.WARNING)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise ConfigurationError(
                f"no Ray cluster answers at {address}: {error}. Start one with `ray start --head` "
                "and give its address, or use --ray local."
            ) from error
    return ray


class _Worker:
    """What a worker keeps from one case to the next."""

    def __init__(self, source: ModelSource, out: Path, options: PredictOptions, level: int) -> None:
        logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
        logging.getLogger("myoseg").setLevel(level)
        self.source, self.out, self.options = source, out, options
        self.model: Any = None

    def predict(self, files: CaseFiles) -> CaseOutcome:
        """Segments a case; the model is loaded with the first, so that its faults are told."""
        if self.model is None:
            self.model = self.source.load()
        return predict_case(files, self.model, self.out, self.options)
