import ssl

from pomona.serving.http.addresses import draw_qr_code, find_urls
from pomona.serving.http.certificates import make_certificate, temporary_certificate


def test_urls_name_the_host_or_every_address():
    assert find_urls("127.0.0.1", 80, tls=False) == ["http://127.0.0.1:80/"]
    assert find_urls("::1", 8443, tls=True) == ["https://[::1]:8443/"]
    assert find_urls("0.0.0.0", 1, tls=True)[-1] == "https://localhost:1/"


def test_qr_code_is_made_of_characters():
    lines = draw_qr_code("https://192.0.2.7:8000/").splitlines()
    assert len(lines) > 10
    assert len({len(line) for line in lines if line}) == 1


def test_certificate_is_valid_for_the_addresses(tmp_path):
    from cryptography import x509

    pem, _ = make_certificate(["192.0.2.7", "fruit.local"])
    certificate = x509.load_pem_x509_certificate(pem)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "192.0.2.7" in {str(each) for each in names.get_values_for_type(x509.IPAddress)}
    assert {"fruit.local", "localhost"} <= set(names.get_values_for_type(x509.DNSName))
    days = (certificate.not_valid_after_utc - certificate.not_valid_before_utc).days
    assert days <= 398


def test_files_of_a_certificate_are_private_and_removed():
    with temporary_certificate(["192.0.2.7"]) as (certificate, key):
        assert key.stat().st_mode & 0o077 == 0
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key)
    assert not key.parent.exists()
