"""Whether the packages of the extra `pacs` are installed."""

from importlib.util import find_spec
from typing import Final

from myoseg.errors import ConfigurationError

PACKAGES: Final = ("dicomweb_client", "pynetdicom")


def require_extra() -> None:
    """Refuses to go on without them.

    Raises:
        ConfigurationError: one is missing.
    """
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise ConfigurationError(
            f"archives are spoken to through packages that are not installed "
            f"({', '.join(missing)}); type `pip install 'myoseg[pacs]'`."
        )
