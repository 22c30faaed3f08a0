"""A progress bar for each stage that learns."""

import logging
from collections.abc import Callable
from types import TracebackType

from rich.console import Console
from rich.progress import Progress as ProgressBar
from rich.progress import TaskID

from myoseg.training.cascade.fit_stage import Progress

log = logging.getLogger(__name__)


class StageBars:
    """Bars on the standard error stream, one below the other."""

    def __init__(self, *, show: bool) -> None:
        self.bar = ProgressBar(console=Console(stderr=True), disable=not show)
        self.tasks: dict[str, TaskID] = {}

    def __enter__(self) -> "StageBars":
        self.bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.bar.stop()

    def of(self, stage: str, n_steps: int) -> Callable[[Progress], None]:
        """What moves the stage's bar."""
        self.tasks[stage] = self.bar.add_task(stage, total=n_steps)
        return lambda done: self.move(stage, done)

    def move(self, stage: str, done: Progress) -> None:
        """Moves the bar of a stage that has one."""
        label = f"{stage} {done.loss:.3f}"
        self.bar.update(self.tasks[stage], completed=done.step, description=label)
        log.debug("%s: %s", stage, done)
