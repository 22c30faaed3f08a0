"""Myocardial scar and edema from bSSFP, LGE and T2 cardiac MR.

The names below are the public interface; each loads what it needs when it is first used, so that
`import myoseg` itself is quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    __version__: str
    from myoseg.api import Result, agree, evaluate, load_model, phantom, segment, train

__all__ = [
    "Result",
    "__version__",
    "agree",
    "evaluate",
    "load_model",
    "phantom",
    "segment",
    "train",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("importlib.metadata").version("myoseg")
    if name in __all__:
        return getattr(import_module("myoseg.api"), name)
    raise AttributeError(f"module 'myoseg' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
