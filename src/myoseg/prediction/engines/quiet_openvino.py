"""OpenVINO without the part of it that reports its use.

`import openvino` also imports its converter, which tells its makers of it over the network and
leaves a file in the user's folder. The converter is not needed here; without it, nothing is told.
"""

import sys
from typing import Any, Final

_CONVERTER: Final = "openvino.tools.ovc"


def load_openvino() -> Any:
    """The package; the converter is left out unless somebody else has imported it before."""
    if "openvino" not in sys.modules:
        # An entry of None makes the import fail, which the package allows for.
        sys.modules[_CONVERTER] = None  # type: ignore[assignment]
        try:
            import openvino
        finally:
            del sys.modules[_CONVERTER]
    import openvino

    return openvino
