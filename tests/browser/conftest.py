"""The real app in a process of its own, and a browser whose network is watched."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.browser.person import Person
from tests.chromium import launched_browser

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 120

WATCH_CONNECTIONS = """
import os, socket

def watched(name, host_of):
    original = getattr(socket, name) if name == "getaddrinfo" else getattr(socket.socket, name)
    def call(*arguments, **options):
        host = host_of(*arguments)
        if host not in (None, "", "127.0.0.1", "localhost", "::1", "0.0.0.0"):
            with open(os.environ["ASKED_HOSTS"], "a") as log:
                log.write(f"{name} {host}\\n")
            raise OSError("there is no network in this test")
        return original(*arguments, **options)
    return call

open(os.environ["ASKED_HOSTS"], "a").close()
socket.getaddrinfo = watched("getaddrinfo", lambda host, *_: host.decode() if isinstance(host, bytes) else host)
for name in ("connect", "connect_ex"):
    setattr(socket.socket, name, watched(name, lambda s, address: address[0] if isinstance(address, tuple) else None))
"""
"""Put before the app as sitecustomize: any host but this machine is noted and cannot be reached."""


@pytest.fixture(scope="module")
def browser():
    """Headless Chromium."""
    with launched_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def asked_hosts(tmp_path_factory) -> Path:
    """The file that lists every host but this machine that the app asked for."""
    return tmp_path_factory.mktemp("network") / "hosts.txt"


@pytest.fixture(scope="module")
def app(browser, asked_hosts, tmp_path_factory) -> Iterator[str]:
    """The address of ``python app.py``, started on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (asked_hosts.parent / "sitecustomize.py").write_text(WATCH_CONNECTIONS)
    log = tmp_path_factory.mktemp("log") / "app.log"
    environment = {**os.environ, "PYTHONPATH": str(asked_hosts.parent), "ASKED_HOSTS": str(asked_hosts)}
    with log.open("w") as output:
        command = [sys.executable, "app.py", "--port", str(port)]
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        wait_until_it_answers(f"http://127.0.0.1:{port}/", server, log)
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.terminate()
        server.wait(timeout=30)


def wait_until_it_answers(url: str, server: subprocess.Popen, log: Path) -> None:
    """Return when the app serves its page; fail with its log where it does not."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        assert server.poll() is None, f"the app stopped at start:\n{log.read_text()}"
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.3)
    pytest.fail(f"the app did not answer within {START_SECONDS} s:\n{log.read_text()}")


@pytest.fixture
def arrive(browser, app) -> Iterator[Callable[..., Person]]:
    """Opens the app as another person; at the end no page may have asked another host or have logged an error."""
    contexts, addresses, errors = [], set(), []

    def open_app(width: int = 1440, scheme: str = "light") -> Person:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
        )
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: addresses.add(request.url.split("?")[0]))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(app)
        person = Person(page)
        person.view().wait_for(timeout=60_000)
        return person

    yield open_app
    for context in contexts:
        context.close()
    assert {address for address in addresses if not address.startswith((app, "data:", "blob:"))} == set()
    assert errors == []


@pytest.fixture
def person(arrive) -> Person:
    """Somebody who opened the app on a large screen."""
    return arrive()
