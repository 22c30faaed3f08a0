"""Examples in, batches out, prepared by processes that leave Ctrl-C to their parent."""

from collections.abc import Iterator
from typing import Any, TypeVar

from torch.utils.data import DataLoader, Dataset

from myoseg.training.interruption import interrupts_kept_from_children

Example = TypeVar("Example", covariant=True)


class Batches(DataLoader[Example]):
    """As the library's, but for Ctrl-C: workers that heard it would die, and their parent wait.

    Workers are started afresh, never forked, on every system.
    """

    def __init__(self, examples: Dataset[Example], *, num_workers: int = 0, **options: Any) -> None:
        how = "spawn" if num_workers else None
        super().__init__(examples, num_workers=num_workers, multiprocessing_context=how, **options)

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        """Starts the workers, if there are to be any and they do not run yet."""
        if not self.num_workers:
            return super().__iter__()
        with interrupts_kept_from_children():
            return super().__iter__()
