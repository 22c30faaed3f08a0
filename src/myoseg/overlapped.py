"""Items through three steps, in order: one is worked on while the next is read, the last saved."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")
Read = TypeVar("Read")
Made = TypeVar("Made")


@dataclass(frozen=True)
class Steps(Generic[Item, Read, Made]):
    """What is done with each item; any step may raise.

    Attributes:
        read: mostly waits for a disk.
        work: uses the processor, in the thread that asks.
        save: mostly waits for a disk.
    """

    read: Callable[[Item], Read]
    work: Callable[[Read], Made]
    save: Callable[[Made], None]

    def __call__(self, item: Item) -> None:
        """All three, one after the other."""
        self.save(self.work(self.read(item)))


def overlapped(
    items: Iterable[Item], steps: Steps[Item, Read, Made]
) -> Iterator[tuple[Item, Future[None]]]:
    """Each item with what became of it, in order; the future is done, and raises what a step did.

    At any time one item at most is read ahead and one is being saved, however many there are. An
    item comes out once it is saved, when the next one has been worked on.
    """
    left = iter(items)
    with ThreadPoolExecutor(1) as reader, ThreadPoolExecutor(1) as writer:

        def begin() -> tuple[Item, Future[Read]] | None:
            for item in left:
                return item, reader.submit(steps.read, item)
            return None

        last: tuple[Item, Future[None]] | None = None
        current = begin()
        while current is not None:
            item, ready = current
            ready.exception()  # Waits, so that one item at most is read ahead.
            current = begin()
            saved = _worked_on(ready, steps, writer)
            if last is not None:
                last[1].exception()
                yield last
            last = item, saved
        if last is not None:
            last[1].exception()
            yield last


def _worked_on(
    ready: "Future[Read]", steps: Steps[Item, Read, Made], writer: ThreadPoolExecutor
) -> Future[None]:
    """Works on what was read and hands it to be saved; the future holds what a step raised."""
    try:
        made = steps.work(ready.result())
    except Exception as error:
        failed: Future[None] = Future()
        failed.set_exception(error)
        return failed
    return writer.submit(steps.save, made)
