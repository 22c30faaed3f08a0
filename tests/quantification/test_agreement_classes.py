import numpy as np
import pytest

from myoseg.quantification.agreement_classes import class_agreement, count_classes
from myoseg.quantification.coefficients import weighted_kappa

CLASSES = ("0", "1-25", "26-50")


def rng():
    return np.random.default_rng(0)


def test_pairs_of_classes_are_counted_and_those_without_one_left_out():
    table = count_classes(["0", "0", "26-50", None], ["0", "1-25", "26-50", "0"], CLASSES)
    assert table.tolist() == [[1, 1, 0], [0, 0, 0], [0, 0, 1]]


def test_counts_add_up_over_cases_and_cases_without_segments_do_not_count():
    one = count_classes(["0", "1-25"], ["0", "26-50"], CLASSES)
    none = count_classes([None], ["0"], CLASSES)
    found = class_agreement("scar_transmurality_class", CLASSES, [one, none, one, one], rng())
    assert (found.n, found.n_cases, found.share_same) == (6, 3, 0.5)
    assert found.table == ((3, 0, 0), (0, 0, 3), (0, 0, 0))
    assert np.isclose(found.kappa, weighted_kappa(np.array(found.table)))
    assert np.allclose(found.kappa_ci95, found.kappa), "every case is the same"


def test_the_interval_holds_kappa_and_widens_with_fewer_cases():
    tables = [
        rng.integers(0, 4, (3, 3)) + 5 * np.eye(3, dtype=np.int64)
        for rng in (np.random.default_rng(seed) for seed in range(40))
    ]
    many, few = (class_agreement("c", CLASSES, tables[:n], rng()) for n in (40, 6))
    assert many.kappa_ci95[0] < many.kappa < many.kappa_ci95[1]
    assert np.ptp(few.kappa_ci95) > np.ptp(many.kappa_ci95)


def test_no_case_gives_no_kappa():
    found = class_agreement("c", CLASSES, [], rng())
    assert (found.n, found.share_same, found.kappa, found.kappa_ci95) == (0, None, None, None)


def test_one_class_alone_gives_no_kappa_though_all_agree():
    table = count_classes(["0"] * 4, ["0"] * 4, CLASSES)
    found = class_agreement("c", CLASSES, [table] * 3, rng())
    assert (found.share_same, found.kappa, found.kappa_ci95) == (1, None, None)


def test_an_unknown_class_is_refused():
    with pytest.raises(ValueError, match="none of the classes 0, 1-25"):
        count_classes(["51-75"], ["0"], CLASSES)


def test_the_record_says_how_kappa_was_made():
    record = class_agreement("c", CLASSES, [], rng()).to_record()
    assert "Cohen 1968" in record["method"]
    assert record["classes"] == CLASSES
