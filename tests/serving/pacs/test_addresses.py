"""Addresses as typed."""

import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from myoseg.errors import ConfigurationError
from myoseg.serving.pacs.address import (
    FORMS,
    PacsAddress,
    is_loopback,
    parse_address,
    require_ae_title,
)

TITLES = st.text(string.ascii_letters + string.digits + "_- %@/:#?", min_size=1, max_size=16)
HOSTS = st.sampled_from(["pacs", "pacs.example.org", "10.1.2.3", "::1", "a-b_c"])
PORTS = st.integers(1, 65535)
PATHS = st.lists(st.text(string.ascii_letters + string.digits + "._-~", min_size=1), max_size=3)


def test_a_web_address_in_parts():
    assert parse_address("https://pacs.example/dicom-web") == PacsAddress(
        "dicomweb", "pacs.example", 443, True, path="/dicom-web"
    )
    assert parse_address("http://localhost:8042/dicom-web/").port == 8042


def test_a_classic_address_in_parts():
    assert parse_address(" dicoms://MY%20PACS@10.0.0.7:2762 ") == PacsAddress(
        "dicom", "10.0.0.7", 2762, True, ae_title="MY PACS"
    )


@given(st.booleans(), HOSTS, PORTS, PATHS)
def test_web_addresses_are_read_as_they_are_printed(is_encrypted, host, port, path):
    assume(not any(part in (".", "..") for part in path))
    address = PacsAddress(
        "dicomweb", host, port, is_encrypted, path="".join(f"/{part}" for part in path)
    )
    assert parse_address(str(address)) == address


@given(st.booleans(), HOSTS, PORTS, TITLES)
def test_classic_addresses_are_read_as_they_are_printed(is_encrypted, host, port, title):
    assume(title == title.strip())
    address = PacsAddress("dicom", host, port, is_encrypted, ae_title=title)
    assert parse_address(str(address)) == address


@given(st.text(max_size=60))
def test_whatever_is_typed_is_an_address_or_refused(typed):
    for scheme in ("", "https://", "dicom://", "dicom://A@"):
        try:
            address = parse_address(scheme + typed)
        except ConfigurationError:
            continue
        assert parse_address(str(address)) == address


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("pacs.example", "'pacs.example' does not say what is spoken there"),
        ("pacs.example:104", "'pacs.example:104' does not say what is spoken there"),
        ("ARCHIVE@pacs:104", r"'\.\.\.@pacs:104' does not say what is spoken there"),
        ("ftp://pacs/", "'ftp://pacs/' begins with ftp://, in which no archive is spoken to"),
        ("://pacs", "begins oddly"),
        ("", "the address does not say"),
        ("x" * 500, "the address does not say"),
        ("https://", "no host"),
        ("https://pacs:99999/", "port or host that is none"),
        ("https://pacs:0/", "port 0"),
        ("https://pacs/a?b=c", "question mark"),
        ("https://pacs/a/../b", "path"),
        ("https://pacs/a b", "path"),
        ("dicom://pacs:104", "'dicom://pacs:104' is one of classic DICOM and lacks the AE title"),
        ("dicom://ARCHIVE@pacs", "lacks the port"),
        ("dicom://ARCHIVE@pacs:104/path", "needs no path"),
        ("dicom://AN_AE_TITLE_THAT_IS_TOO_LONG@pacs:104", "no AE title"),
        ("dicom://A%5CB@pacs:104", "no AE title"),
        ("dicom://%20A@pacs:104", "no AE title"),
    ],
)
def test_a_wrong_address_is_refused_with_the_remedy(typed, said):
    with pytest.raises(ConfigurationError, match=said) as refused:
        parse_address(typed)
    told = str(refused.value)
    assert "AE title; give 1 to 16" in told or FORMS in told


def test_the_forms_that_an_address_may_have_are_shown_by_addresses():
    for example in FORMS.partition("for instance ")[2].split(" or "):
        assert str(parse_address(example)) == example


@pytest.mark.parametrize(
    "typed",
    [
        *("me:s3cret@pacs", "ftp://me:s3cret@pacs", "ftp://me:s3c/ret@pacs", "s3cret?x@pacs"),
        *("ftp://pacs/?token=s3cret", "pacs#s3cret", "pacs?s3c#ret=s3cret"),
    ],
)
def test_what_may_be_a_password_is_not_repeated_from_a_wrong_address(typed):
    with pytest.raises(ConfigurationError) as refused:
        parse_address(typed)
    assert "s3c" not in str(refused.value)


@pytest.mark.parametrize(
    "typed", ["https://me:s3cret@pacs/", "https://me@pacs/", "dicom://A:s3cret@p:1"]
)
def test_a_password_in_an_address_is_refused_and_not_repeated(typed):
    with pytest.raises(ConfigurationError, match="--credentials") as refused:
        parse_address(typed)
    assert "s3cret" not in str(refused.value)
    assert "me" not in str(refused.value).split()


@pytest.mark.parametrize("title", ["", " A", "A ", "A\\B", "A\n", "Ä", "A" * 17])
def test_ae_titles_that_dicom_does_not_know_are_refused(title):
    with pytest.raises(ConfigurationError, match="no AE title"):
        require_ae_title(title)


def test_which_hosts_are_this_machine():
    assert all(map(is_loopback, ("localhost", "127.0.0.1", "::1", "LOCALHOST")))
    assert not any(map(is_loopback, ("localhost.example", "0.0.0.0", "10.0.0.1", "")))
