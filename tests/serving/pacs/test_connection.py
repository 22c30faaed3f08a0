"""Credentials and certificates: what is taken, what is refused, and that none of it shows."""

import ssl

import pytest

from myoseg.errors import ConfigurationError
from myoseg.serving.pacs.address import parse_address
from myoseg.serving.pacs.connection import (
    ConnectionOptions,
    Credentials,
    client_context,
    credentials_of,
    read_credentials,
    require_safe,
    server_context,
)

LOGIN = Credentials(user="reader", password="s3cret")


def written(path, content, mode=0o600):
    path.write_text(content, encoding="utf-8")
    path.chmod(mode)
    return path


def test_credentials_come_from_a_file(tmp_path):
    login = written(tmp_path / "a", "user: reader\npassword: 1234\n")
    assert read_credentials(login) == Credentials(user="reader", password="1234")
    token = written(tmp_path / "b", "token: abc.def")
    assert read_credentials(token) == Credentials(token="abc.def")


@pytest.mark.parametrize("word", ["0123", "yes", "123_456", "2026-01-31", "1e3", "null", "~"])
def test_words_of_a_credentials_file_stay_as_they_are_written(tmp_path, word):
    login = written(tmp_path / "login", f"user: {word}\npassword: {word}\n")
    assert read_credentials(login) == Credentials(user=word, password=word)


def test_credentials_come_from_the_environment():
    assert credentials_of({"PATH": "/bin"}) is None
    assert credentials_of({"MYOSEG_PACS_TOKEN": "abc"}) == Credentials(token="abc")
    both = {"MYOSEG_PACS_USER": "reader", "MYOSEG_PACS_PASSWORD": "s3cret"}
    assert credentials_of(both) == LOGIN


def test_credentials_do_not_show_when_printed():
    how = ConnectionOptions(credentials=LOGIN)
    assert "s3cret" not in f"{LOGIN} {LOGIN!r} {how} {how!r}"
    assert "reader" not in repr(how)


@pytest.mark.parametrize(
    "fields",
    [{}, {"user": "reader"}, {"password": "s3cret"}, {"token": "t", "user": "u", "password": "p"}],
)
def test_half_credentials_are_refused(fields):
    with pytest.raises(ConfigurationError, match="one of the two whole"):
        Credentials(**fields)


def test_credentials_that_would_break_a_header_are_refused():
    with pytest.raises(ConfigurationError, match="line break"):
        Credentials(token="abc\r\nX-Other: 1")


@pytest.mark.parametrize(
    "content", ["", "s3cret", "- s3cret", "secret: s3cret", "user: reader", "a: [s3cret", "token:"]
)
def test_a_file_of_something_else_is_refused_and_not_quoted(tmp_path, content):
    with pytest.raises(ConfigurationError) as refused:
        read_credentials(written(tmp_path / "a", content))
    assert "s3cret" not in str(refused.value)


def test_a_file_that_everyone_can_read_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="chmod 600"):
        read_credentials(written(tmp_path / "a", "token: abc", 0o644))


def test_a_missing_file_of_credentials_is_told(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_credentials(tmp_path / "none")


@pytest.mark.parametrize("typed", ["http://pacs.example/", "dicoms://A@pacs:2762"])
def test_credentials_go_only_where_they_are_safe(typed):
    with pytest.raises(ConfigurationError):
        require_safe(parse_address(typed), ConnectionOptions(credentials=LOGIN))
    require_safe(parse_address(typed), ConnectionOptions())


@pytest.mark.parametrize("typed", ["https://pacs.example/", "http://127.0.0.1:8042/"])
def test_credentials_go_over_tls_and_to_this_machine(typed):
    require_safe(parse_address(typed), ConnectionOptions(credentials=LOGIN))


@pytest.mark.parametrize(
    "changes",
    [
        {"ae_title": ""},
        {"connect_s": 0.0},
        {"answer_s": -1.0},
        {"first_wait_s": -1.0},
        {"n_tries": 0},
    ],
)
def test_options_out_of_range_are_refused(changes):
    with pytest.raises(ConfigurationError):
        ConnectionOptions(**changes)


def test_a_key_needs_its_certificate(tmp_path):
    with pytest.raises(ConfigurationError, match="--cert"):
        ConnectionOptions(private_key=tmp_path / "key.pem")


def test_names_and_certificates_are_verified():
    context = client_context(ConnectionOptions())
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_certificates_that_are_missing_or_none_are_told(tmp_path):
    with pytest.raises(ConfigurationError, match="no file"):
        client_context(ConnectionOptions(ca=tmp_path / "ca.pem"))
    text = written(tmp_path / "ca.pem", "no certificate")
    with pytest.raises(ConfigurationError, match="PEM"):
        client_context(ConnectionOptions(ca=text))
    with pytest.raises(ConfigurationError, match="--cert"):
        server_context(ConnectionOptions(ca=text))
