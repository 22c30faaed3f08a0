"""An operation enters; its result leaves, after further tries where the fault may pass."""

import logging
import time
from collections.abc import Callable
from typing import Final, TypeVar

from myoseg.errors import TransferError

Result = TypeVar("Result")

log = logging.getLogger(__name__)

LONGEST_WAIT_S: Final = 30.0


def with_retries(
    operation: Callable[[], Result],
    *,
    n_tries: int,
    first_wait_s: float,
    progress: Callable[[], int] = lambda: 0,
    sleep: Callable[[float], None] = time.sleep,
) -> Result:
    """What `operation` gives; it is done again where a `TransferError` is transient.

    Waits double from one try to the next. A try that made `progress` grow does not count, since
    each of these comes nearer to the end.

    Raises:
        TransferError: the last try's, or one that is not transient.
    """
    n_failed, done = 0, progress()
    while True:
        try:
            return operation()
        except TransferError as error:
            n_failed = 1 if progress() > done else n_failed + 1
            done = progress()
            if not error.is_transient or n_failed >= n_tries:
                raise
            wait_s = min(first_wait_s * 2 ** (n_failed - 1), LONGEST_WAIT_S)
            log.warning("%s Trying again in %g s (%d of %d).", error, wait_s, n_failed, n_tries - 1)
            sleep(wait_s)
