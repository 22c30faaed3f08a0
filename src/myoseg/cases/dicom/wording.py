"""Words of series' descriptions and sequences' names, in lower case, as patterns to look for.

Most words count only where no letter, or no letter and no digit, stands beside them: `sa` is no
part of `sagittal`. Where the words come from is in docs/dicom.md.
"""

import re
from typing import Final


def _code(*words: str) -> str:
    return "|".join(rf"(?<![a-z0-9])(?:{word})(?![a-z0-9])" for word in words)


def _whole(*words: str) -> str:
    return "|".join(rf"(?<![a-z])(?:{word})(?![a-z])" for word in words)


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns))


SHORT_AXIS: Final = _any(
    _code(
        "sax", "s[-_. ]?ax", r"sa\d*", "short", "short[-_. ]?ax[a-z]*", "ksa", "kurz[-_. ]?achse?"
    )
)
LONG_AXIS: Final = _any(
    _code("[234][-_. ]?ch(?:amber|mbr)?", "[234][-_. ]?c", "[234][-_. ]?k(?:ammer)?"),
    _code("lax", "hla", "vla", "lvot", "rvot", "long", "long[-_. ]?ax[a-z]*"),
)
LOCALISER: Final = _any(
    "locali[sz]er", "locator", "scout", "survey",
    _whole("loc", "plan", "ref[-_ ]?scan", r"calib\w*", "asset"),
)  # fmt: skip
MAP: Final = _any(
    _whole("map", "ecv"),
    r"t[12][*]?[-_ ]?(?:star)?[-_ ]?map", r"t2[-_ ]?(?:\*|star)",
    "molli", "sasha", "saturation.?recovery", "myomap",
)  # fmt: skip
OTHER: Final = _any(
    "perf", "first[-_ ]?pass", "stress",
    _whole(r"tag\w*", "grid", "spamm", "dense", "flow", "venc", r"pc[-_ ]?\w*", "qflow"),
    _whole("phase[-_ ]?contrast", r"angio\w*", "mra", "mip", "mpr", r"screen\w*", "report"),
    _whole("real[-_ ]?time", "test", r"freq\w*", "haste", "t1[-_ ]?(?:tse|fse|w)"),
)  # fmt: skip
BALANCED: Final = _any(
    r"tfi\d", "tru?e?[-_ ]?fi", "trufi", "fiesta", "b[-_ ]?ffe", "b[-_ ]?tfe", "ssfp", "balanced"
)
CINE: Final = _any("cine", _whole("function", r"retro\w*"))
LGE: Final = _any(
    _whole("lge", "lgd", "de", "mde", "ce[-_ ]?ir", "ir[-_ ]?(?:gre|tfe|ffe|fgre)", "tfl"),
    "late", "delay", "viab", "psir", "psmde", "enhanc", "necros", "scar",
)  # fmt: skip
LGE_NAMES: Final = _any("mde", "psir", "tfl2?d", "ir[-_]?tfe", "ir[-_]?fgre", "ffe[-_]?ir")
T2: Final = _any(
    r"(?<![a-z0-9])t2w?(?![0-9*])", "t2[-_ ]?(?:prep|w|stir|tirm|spair|tse|fse)",
    "stir", "tirm", "spair", "o?edema", "triple[-_ ]?ir", "acut2e",
)  # fmt: skip
T2_NAMES: Final = _any("(?<![a-z])(?:tse|tir|frfse|tirm|fase|fastspin)", "fse")
T2_PREPARED: Final = _any("t2[-_ ]?p(?:rep)?(?![a-z])", "t2[-_ ]?prep", "acut2e")
