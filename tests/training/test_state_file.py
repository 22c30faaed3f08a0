import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from myoseg.errors import ModelError
from myoseg.training.state_file import read_state, write_state

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
)
STATES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.integers() | st.text(max_size=4, alphabet="abc"), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(state=STATES)
def test_what_is_written_is_read(state, tmp_path_factory):
    path = tmp_path_factory.mktemp("state") / "last.safetensors"
    write_state(path, state)
    found = read_state(path)
    assert found == state
    assert type(found) is type(state)


def test_tensors_keep_type_shape_and_bits(tmp_path):
    tensors = {
        0: torch.tensor([1.0, -0.0, math.nan, math.inf]),
        "half": torch.arange(4, dtype=torch.bfloat16).reshape(2, 2).T,
        "same": (ones := torch.ones(2, 2, dtype=torch.int64)),
        "again": ones,
        "step": torch.tensor(3.0),
        "empty": torch.zeros(0, 5),
    }
    write_state(tmp_path / "s", tensors)
    found = read_state(tmp_path / "s")
    assert list(found) == list(tensors)
    for name, tensor in tensors.items():
        assert found[name].dtype == tensor.dtype
        assert torch.equal(found[name].nan_to_num(7), tensor.nan_to_num(7))


def test_what_would_need_a_pickle_is_refused_and_the_former_state_kept(tmp_path):
    write_state(tmp_path / "s", {"step": 1})
    with pytest.raises(TypeError, match="set cannot be kept"):
        write_state(tmp_path / "s", {"step": {1, 2}})
    assert read_state(tmp_path / "s") == {"step": 1}
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("content", [b"", b"\x00" * 40, b"not a state at all, but a text"])
def test_a_damaged_state_is_named_with_the_remedy(content, tmp_path):
    path = tmp_path / "last.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"last\.safetensors cannot be read.*delete"):
        read_state(path)


def test_a_truncated_or_missing_state_is_refused(tmp_path):
    path = tmp_path / "last.safetensors"
    with pytest.raises(ModelError):
        read_state(path)
    write_state(path, {"weights": torch.zeros(100)})
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ModelError):
        read_state(path)
