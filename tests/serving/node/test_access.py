"""Who may connect to a node, and over what."""

import ssl

import pytest

from myoseg.errors import ConfigurationError
from myoseg.serving.node.access import require_access_list, tls_for


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_this_machine_alone_needs_no_list(host):
    require_access_list(host, ())


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.2", "::", "node.example"])
def test_a_network_needs_a_list(host):
    with pytest.raises(ConfigurationError, match="name those that may with --accept"):
        require_access_list(host, ())
    require_access_list(host, ("SCANNER",))


def test_a_list_of_what_is_no_ae_title_is_refused():
    with pytest.raises(ConfigurationError, match="is no AE title"):
        require_access_list("127.0.0.1", ("a title of too many letters",))


def test_tls_is_off_where_no_certificate_is_given():
    assert tls_for(None, None, None) is None


def test_a_key_without_a_certificate_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="go with --tls-cert"):
        tls_for(None, tmp_path / "key.pem", None)


def test_a_certificate_that_is_none_is_refused(tmp_path):
    (tmp_path / "cert.pem").write_text("no certificate")
    with pytest.raises(ConfigurationError, match="give files in PEM"):
        tls_for(tmp_path / "cert.pem", None, None)
    with pytest.raises(ConfigurationError, match="give files in PEM"):
        tls_for(tmp_path / "missing.pem", None, None)


@pytest.fixture
def certificate(tmp_path):
    """A certificate of this machine, its own authority, with the key in the same file."""
    import shutil
    import subprocess

    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run([*command, "-keyout", key, "-out", cert], check=True, capture_output=True)
    cert.write_text(cert.read_text() + key.read_text())
    return cert


def test_peers_that_do_not_shake_hands_count_as_connections(run, certificate, monkeypatch):
    import socket

    from myoseg.serving.node import server
    from myoseg.serving.node.receiver import Listening

    monkeypatch.setattr(server, "MOST_SOCKETS", 2)
    node = run(listening=Listening(port=0, tls=tls_for(certificate, None, None)))
    at = ("127.0.0.1", node.port)
    with (
        socket.create_connection(at),
        socket.create_connection(at),
        socket.create_connection(at, timeout=5.0) as third,
    ):
        assert third.recv(1) == b""


def test_images_are_taken_over_tls_from_those_who_show_a_certificate(
    run, certificate, connect, image
):
    from myoseg.serving.node.receiver import Listening

    node = run(listening=Listening(port=0, tls=tls_for(certificate, None, certificate)))
    client = ssl.create_default_context(cafile=certificate)
    assert not connect(node.port).is_established
    assert not connect(node.port, tls_args=(client, "localhost")).is_established
    client.load_cert_chain(certificate)
    association = connect(node.port, tls_args=(client, "localhost"))
    assert association.send_c_store(image()).Status == 0
    association.release()
    node.wait_for("returned")
