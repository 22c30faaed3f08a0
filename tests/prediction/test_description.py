import pytest

from myoseg.errors import ModelError
from myoseg.prediction.description import model_folder, read_description
from myoseg.prediction.shipped import DEFAULT, models_root, shipped_models


def test_a_shipped_model_is_found_by_its_name(shipped_default):
    assert shipped_models() == {"default": shipped_default}
    assert model_folder(DEFAULT) == shipped_default
    assert read_description(model_folder(DEFAULT))["kind"] == "cascade"


def test_a_folder_of_that_name_goes_first(shipped_default, tmp_path, monkeypatch):
    (tmp_path / "work" / "default").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "work")
    assert model_folder("default").resolve() == tmp_path / "work" / "default"


def test_a_model_that_is_not_there_is_refused_with_those_that_are(shipped_default):
    with pytest.raises(ModelError, match=r"no model 'defualt'.*shipped model: default\."):
        read_description(model_folder("defualt"))


def test_a_folder_without_a_model_is_refused_with_the_file_looked_for(shipped_default, tmp_path):
    with pytest.raises(ModelError, match=r"holds no model: there is no model\.json.*myoseg train"):
        read_description(tmp_path)


def test_an_installation_without_models_says_so(monkeypatch, tmp_path):
    from myoseg.prediction import shipped

    monkeypatch.setattr(shipped, "models_root", lambda: tmp_path)
    with pytest.raises(ModelError, match=r"no model 'default'.*shipped model: none\."):
        read_description(model_folder(DEFAULT))


def test_models_lie_in_the_package():
    assert models_root().parent.name == "myoseg"
