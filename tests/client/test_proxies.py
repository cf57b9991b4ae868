"""Proxies by the environment's customs, as curl reads them."""

from __future__ import annotations

import pytest

from molthub.client.proxies import Proxy, bypassed, proxy_for
from molthub.errors import UsageError


@pytest.mark.parametrize(
    ("scheme", "environment", "expected"),
    [
        ("https", {}, None),
        ("https", {"HTTPS_PROXY": "http://proxy:3128"}, Proxy("proxy", 3128, "")),
        ("https", {"HTTPS_PROXY": "proxy"}, Proxy("proxy", 80, "")),
        ("https", {"HTTPS_PROXY": "http://a", "https_proxy": "http://b"}, Proxy("b", 80, "")),
        ("https", {"HTTP_PROXY": "http://proxy"}, None),
        ("https", {"ALL_PROXY": "http://proxy"}, Proxy("proxy", 80, "")),
        ("http", {"HTTP_PROXY": "http://me:p%40ss@proxy:8080"}, Proxy("proxy", 8080, "Basic bWU6cEBzcw==")),
        ("http", {"HTTP_PROXY": "http://proxy", "REQUEST_METHOD": "GET"}, None),
        ("http", {"http_proxy": "http://proxy", "REQUEST_METHOD": "GET"}, Proxy("proxy", 80, "")),
        ("https", {"HTTPS_PROXY": "http://proxy", "NO_PROXY": "example.com"}, None),
        ("https", {"HTTPS_PROXY": "http://proxy", "no_proxy": "example.org"}, Proxy("proxy", 80, "")),
    ],
)
def test_the_environment_decides(scheme: str, environment: dict[str, str], expected: Proxy | None) -> None:
    assert proxy_for(scheme, "skills.example.com", 443, environment) == expected


@pytest.mark.parametrize("text", ["socks5://proxy:1080", "http://proxy:port", "http://", "https://proxy"])
def test_what_is_no_http_proxy_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="HTTPS_PROXY"):
        proxy_for("https", "skills.example.com", 443, {"HTTPS_PROXY": text})


@pytest.mark.parametrize(
    ("no_proxy", "expected"),
    [
        ("", False),
        ("*", True),
        ("example.com", True),
        (".example.com", True),
        ("*.example.com", True),
        ("SKILLS.example.COM", True),
        ("ample.com", False),
        ("skills.example.com:443", True),
        ("skills.example.com:8443", False),
        ("localhost, example.com", True),
        ("localhost example.com", True),
        ("127.0.0.1,::1", False),
    ],
)
def test_no_proxy_names_hosts_and_domains(no_proxy: str, expected: bool) -> None:
    assert bypassed("skills.example.com", 443, no_proxy) is expected


def test_no_proxy_names_addresses() -> None:
    assert bypassed("::1", 80, "[::1]")
    assert bypassed("127.0.0.1", 80, "127.0.0.1:80")
