import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.data import get_testdata_file
from pydicom.uid import RLELossless, SecondaryCaptureImageStorage
from typer.testing import CliRunner

from myoseg.anatomy import Sequence
from myoseg.cases.dicom.deidentify_folder import REPEATED, deidentify_folder
from myoseg.cases.dicom.plain_objects import (
    BAD_PIXELS,
    BURNED_IN,
    NO_DICOM,
    NO_IMAGE,
    UNREADABLE,
)
from myoseg.cases.dicom.pseudonyms import PseudonymKey
from myoseg.cases.dicom.series import read_dicom_series
from myoseg.cases.dicom.study import find_study
from myoseg.cases.dicom.write_study import write_dicom_study
from myoseg.cases.phantom import SMALL, clinical, simulate_study
from myoseg.cli import app
from myoseg.errors import InputError, OutputError

KEY = PseudonymKey(b"0123456789abcdef")
QUICK = replace(
    clinical(SMALL),
    n_sub_slices=1,
    supersampling=1,
    bssfp_grid=replace(SMALL.bssfp_grid, spacing_mm=(3.0, 3.2)),
    lge_grid=replace(SMALL.lge_grid, spacing_mm=(2.8, 3.0)),
    t2_grid=replace(SMALL.t2_grid, spacing_mm=(3.2, 3.4)),
)
SECRETS = {
    "PatientName": "Zyxwvut^Qponmlk",
    "PatientID": "HOSP-4711-0815",
    "AccessionNumber": "ACC998877",
    "InstitutionName": "St. Zyxwvut Hospital",
    "StudyDate": "19570413",
    "SeriesDescription": "sax Zyxwvut",
}


@pytest.fixture(scope="module")
def study():
    return simulate_study(2, QUICK)


@pytest.fixture(scope="module")
def study_folder(study, tmp_path_factory):
    """A simulated study under the name of a patient who does not exist."""
    folder = tmp_path_factory.mktemp("dicom")
    write_dicom_study(study, folder / "s", seed=2, config=QUICK)
    for path in folder.rglob("*.dcm"):
        image = pydicom.dcmread(path)
        for keyword, value in SECRETS.items():
            setattr(image, keyword, value)
        image.save_as(path)
    return folder / "s" / "dicom"


@pytest.fixture
def copied(study_folder, tmp_path):
    """One slice of each series, to alter."""
    folder = tmp_path / "Zyxwvut_Qponmlk"
    for series in study_folder.iterdir():
        place = folder / series.name
        place.mkdir(parents=True)
        shutil.copy(min(series.iterdir()), place)
    return folder


@pytest.fixture(scope="module")
def original(study_folder):
    """The bytes of one of its files."""
    return min(study_folder.rglob("*.dcm")).read_bytes()


def files(folder):
    return sorted(each for each in folder.rglob("*") if each.is_file())


def changed(path, **attributes):
    image = pydicom.dcmread(path)
    for keyword, value in attributes.items():
        setattr(image, keyword, value)
    image.save_as(path)


def test_no_file_and_no_name_of_a_file_holds_what_was_planted(study_folder, tmp_path):
    originals = [each.read_bytes() for each in files(study_folder)]
    uids = {str(pydicom.dcmread(each).SOPInstanceUID) for each in files(study_folder)}
    result = deidentify_folder(study_folder, tmp_path / "out", KEY)
    written = files(tmp_path / "out")
    assert result.n_written == len(written) == len(originals)
    assert result.n_patients == 1
    assert dict(result.left_out) == {}
    planted = [*SECRETS.values(), "Zyxwvut", *uids]
    for path in written:
        content = path.read_bytes() + str(path.relative_to(tmp_path)).encode()
        assert not [each for each in planted if each.encode() in content]
    assert all(SECRETS["PatientID"].encode() in each for each in originals)


def test_images_and_grids_stay_as_they_are(study_folder, tmp_path):
    deidentify_folder(study_folder, tmp_path / "out", KEY)

    def seen(folder):
        images = [pydicom.dcmread(each) for each in files(folder)]
        return sorted(
            (
                int(each.SeriesNumber),
                int(each.InstanceNumber),
                tuple(each.ImagePositionPatient),
                tuple(each.ImageOrientationPatient),
                each.PixelData,
            )
            for each in images
        )

    assert seen(tmp_path / "out") == seen(study_folder)


def test_the_same_key_gives_the_same_files_and_another_others(copied, tmp_path):
    for name, key in (("a", KEY), ("b", KEY), ("c", PseudonymKey.random())):
        deidentify_folder(copied, tmp_path / name, key)
    a, b, c = ([each.relative_to(tmp_path / n) for each in files(tmp_path / n)] for n in "abc")
    assert a == b
    assert not set(a) & set(c)


def test_two_patients_are_kept_apart(copied, tmp_path):
    one, two, *_ = files(copied)
    changed(one, PatientID="A")
    changed(two, PatientID="B")
    result = deidentify_folder(copied, tmp_path / "out", KEY)
    assert result.n_patients == 3
    assert len(list((tmp_path / "out").iterdir())) == 3


def test_compressed_images_are_written_plain_with_the_same_values(copied, tmp_path):
    path = files(copied)[0]
    image = pydicom.dcmread(path)
    values = image.pixel_array
    image.compress(RLELossless, generate_instance_uid=False)
    image.save_as(path)
    assert pydicom.dcmread(path).file_meta.TransferSyntaxUID == RLELossless
    deidentify_folder(copied, tmp_path / "out", KEY)
    written = [pydicom.dcmread(each) for each in files(tmp_path / "out")]
    assert all(not each.file_meta.TransferSyntaxUID.is_compressed for each in written)
    of_shape = [each.pixel_array for each in written if each.pixel_array.shape == values.shape]
    assert any(np.array_equal(each, values) for each in of_shape)


def test_what_follows_the_pixels_is_cut_off(copied, tmp_path):
    path = files(copied)[0]
    image = pydicom.dcmread(path)
    changed(path, PixelData=image.PixelData + b"Zyxwvut ")
    deidentify_folder(copied, tmp_path / "out", KEY)
    assert all(b"Zyxwvut" not in each.read_bytes() for each in files(tmp_path / "out"))


def test_unused_upper_bits_are_cleared_and_signs_stay(copied, tmp_path):
    """12 bits are stored: of 0xA7FF 0x07FF stays; as signed, 0x0FFF is -1 and 0xF801 is -2047."""
    for path, signed, before in zip(
        files(copied), (0, 1, 0), ([0xA7FF, 5], [0x0FFF, 0xF801], [1, 2]), strict=True
    ):
        changed(
            path,
            Rows=1,
            Columns=2,
            BitsStored=12,
            HighBit=11,
            PixelRepresentation=signed,
            PixelData=np.array(before, dtype="<u2").tobytes(),
        )
    deidentify_folder(copied, tmp_path / "out", KEY)
    found = [pydicom.dcmread(each).pixel_array.tolist() for each in files(tmp_path / "out")]
    assert sorted(found) == [[[-1, -2047]], [[1, 2]], [[0x07FF, 5]]]
    stored = b"".join(pydicom.dcmread(each).PixelData for each in files(tmp_path / "out"))
    assert b"\xff\xa7" not in stored


def test_an_instance_that_is_there_twice_is_written_once(copied, tmp_path):
    shutil.copy(files(copied)[0], copied / "again.dcm")
    result = deidentify_folder(copied, tmp_path / "out", KEY)
    assert dict(result.left_out) == {REPEATED: 1}
    assert result.n_written == len(files(tmp_path / "out"))


@pytest.mark.parametrize("vendor", ["siemens", "philips"])
@pytest.mark.parametrize("enhanced", [False, True])
def test_a_study_is_read_as_before(study, tmp_path, vendor, enhanced):
    choices = {"vendor": vendor, "enhanced": enhanced, "config": QUICK}
    write_dicom_study(study, tmp_path / "s", seed=3, **choices)
    deidentify_folder(tmp_path / "s" / "dicom", tmp_path / "out", KEY)
    before, after = (find_study(tmp_path / each) for each in ("s/dicom", "out"))
    assert set(before.choices) == set(after.choices) == set(Sequence)
    for sequence in Sequence:
        one, other = (
            read_dicom_series(each.choices[sequence].candidate.stack) for each in (before, after)
        )
        np.testing.assert_array_equal(one.image.volume, other.image.volume)
        np.testing.assert_allclose(one.image.geometry.affine, other.image.geometry.affine)


@pytest.mark.parametrize("enhanced", [False, True])
def test_dciodvfy_finds_no_error(study, tmp_path, enhanced):
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy is not installed (Debian's dicom3tools)")
    write_dicom_study(study, tmp_path / "s", seed=3, enhanced=enhanced, config=QUICK)
    for dates in ("removed", "shifted"):
        deidentify_folder(tmp_path / "s" / "dicom", tmp_path / dates, KEY, dates=dates)
        for series in {each.parent for each in files(tmp_path / dates)}:
            command = ["dciodvfy", min(series.iterdir())]
            found = subprocess.run(command, capture_output=True, text=True, check=False)
            said = (found.stdout + found.stderr).splitlines()
            assert any("MRImage" in line for line in said)
            assert [line for line in said if line.startswith("Error")] == []


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"BurnedInAnnotation": "YES"}, BURNED_IN),
        ({"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]}, BURNED_IN),
        ({"ImageType": "SCREEN SAVE"}, BURNED_IN),
        ({"ConversionType": "WSD"}, BURNED_IN),
        ({"SOPClassUID": SecondaryCaptureImageStorage}, NO_IMAGE),
        ({"PixelData": b"\0\0"}, BAD_PIXELS),
        ({"Rows": 60000, "Columns": 60000}, BAD_PIXELS),
        ({"Rows": 0}, BAD_PIXELS),
        ({"SOPInstanceUID": None}, UNREADABLE),
        ({"SOPInstanceUID": ["1.2.3", "1.2.4"]}, UNREADABLE),
        ({"SeriesInstanceUID": ["1.2.3"] * 40}, UNREADABLE),
    ],
)
def test_what_cannot_be_cleaned_is_left_out_and_counted(copied, tmp_path, attributes, reason):
    changed(files(copied)[0], **attributes)
    result = deidentify_folder(copied, tmp_path / "out", KEY)
    assert dict(result.left_out) == {reason: 1}
    assert result.n_written == len(files(copied)) - 1
    assert f"1 left out: {reason}" in result.to_text()
    assert "Zyxwvut" not in result.to_text()


def test_other_files_are_left_out_without_being_named(copied, tmp_path):
    (copied / "Zyxwvut.txt").write_text("Zyxwvut")
    (copied / "empty").write_bytes(b"")
    damaged = files(copied)[0]
    damaged.write_bytes(damaged.read_bytes()[:400])
    result = deidentify_folder(copied, tmp_path / "out", KEY)
    assert result.left_out[NO_DICOM] == 2
    assert sum(result.left_out[each] for each in result.left_out if each != NO_DICOM) == 1
    assert set(result.left_out) <= {NO_DICOM, UNREADABLE, NO_IMAGE, BAD_PIXELS}
    assert "Zyxwvut" not in result.to_text()


def test_identifiers_with_tricks_write_no_file_outside(copied, tmp_path):
    with pydicom.config.disable_value_validation():
        for path in files(copied):
            changed(path, SeriesInstanceUID="../../evil", PatientID="../../evil")
        deidentify_folder(copied, tmp_path / "out", KEY)
    assert not [each for each in files(tmp_path) if "evil" in str(each)]
    assert files(tmp_path / "out")


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    n_changes=st.integers(1, 8),
    kind=st.sampled_from(["altered", "removed", "added", "cut"]),
)
def test_damaged_files_stop_nothing_and_leak_nothing(original, seed, n_changes, kind):
    """Bytes of the header are altered at random; whatever is written names nobody."""
    rng, content = np.random.default_rng(seed), bytearray(original)
    for _ in range(n_changes):
        at = int(rng.integers(132, 2500))
        if kind == "altered":
            content[at] = int(rng.integers(256))
        elif kind == "removed":
            del content[at : at + 20]
        elif kind == "added":
            content[at:at] = rng.bytes(10)
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "in").mkdir()
        stored = bytes(content[:2000] if kind == "cut" else content)
        (folder / "in" / "file").write_bytes(stored)
        result = deidentify_folder(folder / "in", folder / "out", KEY)
        assert result.n_written + sum(result.left_out.values()) == 1
        written = [each for each in files(folder) if each.parent != folder / "in"]
        assert len(written) == result.n_written
        for path in written:
            assert path.is_relative_to(folder / "out")
            assert b"Zyxwvut" not in path.read_bytes()


def test_libraries_do_not_quote_what_they_find_wrong(copied, tmp_path, caplog, recwarn):
    with pydicom.config.disable_value_validation():
        for path in files(copied):
            changed(path, PatientBirthDate="Zyxwvut", StudyInstanceUID="Zyxwvut", StudyID="Z" * 40)
    caplog.clear()
    recwarn.clear()
    result = deidentify_folder(copied, tmp_path / "out", KEY)
    assert result.n_written + sum(result.left_out.values()) == len(files(copied))
    assert caplog.text == ""
    assert not [each for each in recwarn if "Zyxwvut" in str(each.message)]


def test_links_out_of_the_folder_are_not_followed(copied, tmp_path):
    secret = tmp_path / "elsewhere.dcm"
    shutil.copy(files(copied)[0], secret)
    (copied / "link.dcm").symlink_to(secret)
    result = deidentify_folder(copied, tmp_path / "out", KEY)
    assert result.n_written == len([each for each in files(copied) if not each.is_symlink()])


def test_an_empty_folder_gives_nothing(tmp_path):
    (tmp_path / "in").mkdir()
    result = deidentify_folder(tmp_path / "in", tmp_path / "out", KEY)
    assert (result.n_written, result.n_patients, dict(result.left_out)) == (0, 0, {})


def test_wrong_folders_are_refused(copied, tmp_path):
    with pytest.raises(InputError, match="is no folder"):
        deidentify_folder(tmp_path / "none", tmp_path / "out", KEY)
    with pytest.raises(OutputError, match="outside"):
        deidentify_folder(copied, copied / "out", KEY)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(OutputError, match="not empty"):
        deidentify_folder(copied, tmp_path / "full", KEY)


def test_the_command_writes_under_the_key_and_says_what_it_left_out(copied, tmp_path):
    (tmp_path / "key").write_bytes(KEY.secret)
    (copied / "notes.txt").write_text("x")
    command = ["data", "deidentify", str(copied), "-o", str(tmp_path / "out")]
    result = CliRunner().invoke(app, [*command, "--key", str(tmp_path / "key")])
    assert result.exit_code == 0, result.output
    assert f"1 left out: {NO_DICOM}" in result.output
    (patient,) = (tmp_path / "out").iterdir()
    assert patient.name == KEY.patient(SECRETS["PatientID"])


def test_the_command_without_a_key_says_that_pseudonyms_cannot_be_made_again(copied, tmp_path):
    command = ["data", "deidentify", str(copied), "-o", str(tmp_path / "out"), "--shift-dates"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert "random key" in result.output
    assert pydicom.dcmread(files(tmp_path / "out")[0]).StudyDate not in ("", "19570413")


def test_a_compressed_image_with_a_damaged_header_is_left_out_and_ends_nothing(tmp_path):
    """Two values where Pixel Representation has one."""
    folder = tmp_path / "in"
    folder.mkdir()
    image = pydicom.dcmread(get_testdata_file("MR_small_jp2klossless.dcm", download=False))
    image.save_as(folder / "a.dcm")
    image.PixelRepresentation = [1, 2]
    image.save_as(folder / "b.dcm")
    done = deidentify_folder(folder, tmp_path / "out", KEY)
    assert (done.n_written, dict(done.left_out)) == (1, {BAD_PIXELS: 1})
