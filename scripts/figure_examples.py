"""Draws the example images of docs/figures.md: `python scripts/figure_examples.py`.

The Bland-Altman and box plots show the data of Bland and Altman's paper of 1986 (peak expiratory
flow by two meters), the bull's-eye numbers made up.
"""

from pathlib import Path

from myoseg.reporting.agreement_figures import bland_altman_figure, measure_box_figure
from myoseg.reporting.bullseye import bullseye_figure
from myoseg.reporting.figures import save_figure

IMAGES = Path(__file__).parents[1] / "docs" / "images"
NAMES = ("Wright meter", "mini meter")
WRIGHT = (494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427)
MINI = (512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451)
SCAR = (0, 3, 12, 85, 100, 31, 5, 0, 22, 77, 64, 8, None, 45, 90, 0)


def main() -> None:
    """Writes the images."""
    first, second = (list(map(float, series)) for series in (WRIGHT, MINI))
    title, unit = "Peak expiratory flow", "l/min"
    save_figure(bland_altman_figure(first, second, NAMES, title, unit), IMAGES / "bland_altman.png")
    boxes = measure_box_figure(dict(zip(NAMES, (first, second), strict=True)), title, unit)
    save_figure(boxes, IMAGES / "measure_box.png")
    values = {s: None if v is None else float(v) for s, v in enumerate(SCAR, start=1)}
    eye = bullseye_figure(values, title="Scar", unit="% of the segment")
    save_figure(eye, IMAGES / "bullseye.png")


if __name__ == "__main__":
    main()
