"""Fetching ends: in the bytes, or in an error that says place, problem and remedy."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from molthub.client.fetch import Fetched, open_fetcher
from molthub.client.fetch_http import HttpFetcher
from molthub.client.parallel import in_threads
from molthub.errors import FormatError, UnreachableError, UsageError
from tests.index_fixture import (
    Fault,
    Handler,
    IndexServer,
    dripping,
    endless,
    hang_up,
    once,
    redirect,
    reset,
    serve,
    silent,
    truncated,
    unavailable,
)
from tests.loopback import serving

FILE = bytes(range(256)) * 100
LIMIT = 1_000_000


@pytest.fixture
def plain() -> Iterator[IndexServer]:
    with serve({"file": FILE, "other": b"other"}) as server:
        yield server


@pytest.fixture
def fetcher(plain: IndexServer) -> Iterator[HttpFetcher]:
    fetcher = HttpFetcher(plain.url, timeout=5)
    yield fetcher
    fetcher.close()


def test_a_file_comes_with_its_etag_and_is_not_sent_twice(fetcher: HttpFetcher) -> None:
    first = fetcher.get("file", limit=LIMIT)
    assert (first.status, first.content) == (200, FILE)
    assert fetcher.get("file", etag=first.etag, limit=LIMIT) == Fetched(304, b"", first.etag)


def test_what_is_missing_is_said_as_such(fetcher: HttpFetcher) -> None:
    assert fetcher.get("nothing", limit=LIMIT).status == 404


def test_one_connection_serves_many_requests(plain: IndexServer, fetcher: HttpFetcher) -> None:
    for path in ("file", "other", "nothing", "file"):
        fetcher.get(path, limit=LIMIT)
    assert plain.connections == 1


def test_threads_share_the_pool(plain: IndexServer, fetcher: HttpFetcher) -> None:
    got: list[bytes] = []
    in_threads(lambda _number: got.append(fetcher.get("file", limit=LIMIT).content), range(40), 8)
    assert got == [FILE] * 40
    assert plain.connections <= 8


def test_a_kept_connection_that_the_server_closed_costs_no_attempt(plain: IndexServer) -> None:
    fetcher = HttpFetcher(plain.url, attempts=1)
    fetcher.get("other", limit=LIMIT)
    plain.faults["file"] = once(hang_up)
    assert fetcher.get("file", limit=LIMIT).content == FILE
    fetcher.close()


@pytest.mark.parametrize("fault", [truncated, reset, hang_up, unavailable(1), unavailable(1, 429), unavailable(1, 500)])
def test_a_passing_fault_is_tried_again(plain: IndexServer, fetcher: HttpFetcher, fault: Fault) -> None:
    plain.faults["file"] = once(fault)
    assert fetcher.get("file", limit=LIMIT).content == FILE
    assert plain.paths == ["file", "file"]


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (truncated, "broke off after"),
        (reset, "reset"),
        (unavailable(9), "HTTP 503"),
        (unavailable(9, 403), "access denied"),
        (unavailable(9, 418), "HTTP 418"),
    ],
)
def test_a_lasting_fault_is_an_error_with_place_and_remedy(plain: IndexServer, fault: Fault, message: str) -> None:
    plain.faults["file"] = fault
    fetcher = HttpFetcher(plain.url, attempts=2)
    with pytest.raises(UnreachableError, match=message) as error:
        fetcher.get("file", limit=LIMIT)
    assert error.value.place == plain.url + "file"
    assert error.value.remedy


def test_a_server_that_says_nothing_is_given_up(plain: IndexServer) -> None:
    plain.faults["file"] = silent(2)
    fetcher = HttpFetcher(plain.url, timeout=0.1, attempts=1)
    with pytest.raises(UnreachableError, match="no answer in time"):
        fetcher.get("file", limit=LIMIT)


def test_a_server_that_drips_is_given_up(plain: IndexServer) -> None:
    plain.faults["file"] = dripping(0.02)
    fetcher = HttpFetcher(plain.url, timeout=0.2, attempts=1)
    with pytest.raises(UnreachableError, match=r"only [0-9]+ bytes"):
        fetcher.get("file", limit=LIMIT)


def test_more_than_the_limit_is_refused_by_what_is_announced(fetcher: HttpFetcher) -> None:
    with pytest.raises(FormatError, match="larger than 100 bytes"):
        fetcher.get("file", limit=100)


def test_more_than_the_limit_is_refused_as_it_comes(plain: IndexServer, fetcher: HttpFetcher) -> None:
    plain.faults["file"] = endless
    with pytest.raises(FormatError, match="larger than"):
        fetcher.get("file", limit=LIMIT)


def test_a_redirect_is_followed(plain: IndexServer, fetcher: HttpFetcher) -> None:
    plain.faults["file"] = redirect("/other", 301)
    assert fetcher.get("file", limit=LIMIT).content == b"other"


def test_redirects_in_a_circle_end(plain: IndexServer, fetcher: HttpFetcher) -> None:
    plain.faults["file"] = redirect("file")
    with pytest.raises(UnreachableError, match="more than 5 redirects"):
        fetcher.get("file", limit=LIMIT)


@pytest.mark.parametrize("target", ["ftp://127.0.0.1/file", "file:///etc/passwd", "http://[::"])
def test_a_redirect_to_no_web_address_is_refused(plain: IndexServer, fetcher: HttpFetcher, target: str) -> None:
    plain.faults["file"] = redirect(target)
    with pytest.raises(UnreachableError, match="no address"):
        fetcher.get("file", limit=LIMIT)


@pytest.mark.parametrize("url", ["http://", "https://host:port/", "https://host/?q=1", "https://ho st/", "http:///x"])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="not the address of an index"):
        open_fetcher(url)


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("http://Host.example/a", "http://host.example/a/"),
        ("http://host.example:8080/registry.json", "http://host.example:8080/"),
        ("https://host.example:443", "https://host.example/"),
        ("http://[::1]:80/a b/ü/", "http://[::1]/a%20b/%C3%BC/"),
        ("http://bücher.example/", "http://xn--bcher-kva.example/"),
    ],
)
def test_an_address_is_written_in_one_way(url: str, where: str) -> None:
    assert HttpFetcher(url).where == where


def test_nobody_there_is_said_at_once() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"
    with pytest.raises(UnreachableError, match="refused") as error:
        HttpFetcher(url).get("file", limit=LIMIT)
    assert "tried" not in error.value.message


def test_an_unknown_host_is_said_at_once() -> None:
    with pytest.raises(UnreachableError, match=r"no host|name resolution"):
        HttpFetcher("http://host.invalid/", attempts=1).get("file", limit=LIMIT)


def test_an_answer_that_is_no_http_is_said(plain: IndexServer) -> None:
    def nonsense(handler: Handler, _content: bytes) -> bool:
        handler.wfile.write(b"220 ftp.example.com ready\r\n")
        handler.close_connection = True
        return True

    plain.faults["file"] = nonsense
    with pytest.raises(UnreachableError, match="no HTTP"):
        HttpFetcher(plain.url, attempts=1).get("file", limit=LIMIT)


def test_plain_http_on_an_https_address_is_no_trusted_connection(plain: IndexServer) -> None:
    fetcher = HttpFetcher(plain.url.replace("http://", "https://"), attempts=1)
    with pytest.raises(UnreachableError, match="no trusted connection"):
        fetcher.get("file", limit=LIMIT)


def test_the_first_failure_of_several_threads_is_raised() -> None:
    done: list[int] = []

    def work(number: int) -> None:
        if number == 3:
            raise KeyError(number)
        done.append(number)

    with pytest.raises(KeyError):
        in_threads(work, range(1000), 4)
    assert len(done) < 999
    in_threads(work, [], 4)


# --- proxies -------------------------------------------------------------------------------------------------------


class _Proxy(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def do_GET(self) -> None:
        self.server.seen.append(("GET", self.path, self.headers.get("Proxy-Authorization"), self.headers["Host"]))
        self._answer(b"by proxy")

    def do_CONNECT(self) -> None:
        self.server.seen.append(("CONNECT", self.path, self.headers.get("Proxy-Authorization"), self.headers["Host"]))
        self.send_error(407, "Who are you")

    def _answer(self, content: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the overridden method's name)
        """Say nothing."""


@pytest.fixture
def proxy() -> Iterator[Any]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), _Proxy)
    server.seen = []
    with serving(server):
        yield server


def test_http_goes_through_the_proxy_in_full(proxy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://me:pass@127.0.0.1:{proxy.server_address[1]}")
    fetcher = HttpFetcher("http://skills.example.com/index/")
    assert fetcher.get("file", limit=LIMIT).content == b"by proxy"
    fetcher.close()
    assert proxy.seen == [
        ("GET", "http://skills.example.com/index/file", "Basic bWU6cGFzcw==", "skills.example.com"),
    ]


def test_https_asks_the_proxy_for_a_tunnel(proxy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:pass@127.0.0.1:{proxy.server_address[1]}")
    with pytest.raises(UnreachableError, match="407"):
        HttpFetcher("https://skills.example.com/", attempts=1).get("file", limit=LIMIT)
    assert [(verb, path, credentials) for verb, path, credentials, _host in proxy.seen] == [
        ("CONNECT", "skills.example.com:443", "Basic bWU6cGFzcw==")
    ]


def test_no_proxy_goes_straight(plain: IndexServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    fetcher = HttpFetcher(plain.url)
    assert fetcher.get("other", limit=LIMIT).content == b"other"
    fetcher.close()
