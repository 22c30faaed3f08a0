import pytest

from myoseg import processor
from myoseg.processor import n_cores, threads_each


def test_there_is_a_core():
    assert n_cores() >= 1


@pytest.mark.parametrize(("cores", "n_processes", "n_threads"), [(8, 2, 4), (8, 3, 2), (2, 4, 1)])
def test_processes_share_the_cores(monkeypatch, cores, n_processes, n_threads):
    monkeypatch.setattr(processor, "n_cores", lambda: cores)
    assert threads_each(n_processes) == n_threads
