"""Where a phone finds this server: addresses, and one of them as a QR code."""

import io
import ipaddress
import socket

__all__ = ["draw_qr_code", "find_urls", "lan_addresses"]

# Reserved for documentation (RFC 5737): nothing is ever sent there.
_SOMEWHERE = ("192.0.2.1", 9)


def lan_addresses() -> list[str]:
    """Return the addresses of this machine in its local network, without sending anything."""
    hosts: list[str] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Connecting a datagram socket only asks which of our addresses would be used.
            probe.connect(_SOMEWHERE)
            hosts.append(str(probe.getsockname()[0]))
        except OSError:
            pass
    try:
        named = socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)
    except OSError:
        named = []
    hosts += [str(host[4][0]) for host in named]
    return [host for host in dict.fromkeys(hosts) if not ipaddress.ip_address(host).is_loopback]


def find_urls(host: str, port: int, *, tls: bool) -> list[str]:
    """Return the addresses under which the page can be opened, best for a phone first.

    Parameters
    ----------
    host : str
        Where the server listens; '0.0.0.0' and '::' are every address.
    port : int
    tls : bool
    """
    scheme = "https" if tls else "http"
    hosts = [*lan_addresses(), "localhost"] if host in ("0.0.0.0", "::", "") else [host]  # noqa: S104
    shown = [f"[{host}]" if ":" in host else host for host in hosts]
    return [f"{scheme}://{host}:{port}/" for host in shown]


def draw_qr_code(text: str) -> str:
    """Return a QR code made of characters, for a terminal.

    Raises
    ------
    ImportError
        If the package qrcode is not installed.
    """
    import qrcode

    code = qrcode.QRCode(border=2)
    code.add_data(text)
    code.make()
    out = io.StringIO()
    code.print_ascii(out=out, invert=True)
    return out.getvalue()
