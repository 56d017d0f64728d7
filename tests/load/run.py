"""Many people at once: `python -m tests.load.run --clients 20 --seconds 120`, by hand and not a part of the suite.

Starts `python app.py` on a free port of this machine. Each client restyles bundled motions into styles of its own
choice through the endpoint /stylize, waits in the queue like anybody else, and looks whether the style and the motion
that come back are those that it asked for. Ends with JSON: restyles, what was refused or mixed up, seconds a restyle
took (median, 95th percentile), and the server's memory at start and after each further minute.
"""

import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import tyro

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

from gradio_client import Client

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS, MINUTE_SECONDS = 180, 60


@dataclass(frozen=True)
class Options:
    """Restyle with many clients at once."""

    clients: int = 20
    """How many people."""
    seconds: float = 120.0
    """How long they go on."""
    queue_size: int = 40
    """How many may wait at the server."""


@dataclass
class Seen:
    """What the clients saw; lists are only appended to, so that threads may share them."""

    durations: list[float] = field(default_factory=list)
    mixed_up: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def person(url: str, seed: int, end: float, seen: Seen) -> None:
    """Restyle until the end of the time."""
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        client = Client(url, verbose=False, download_files=folder, analytics_enabled=False)
        try:
            choices = client.predict(api_name="/list_choices")
            motions = [name for name in choices["motions"] if name.startswith("content/")]
            while time.monotonic() < end:
                restyle(client, draw.choice(motions), draw.choice([*choices["styles"]]), draw.randrange(1000), seen)
        except Exception as error:
            seen.errors.append(f"client: {error!r}"[:200])
        finally:
            client.close()


def restyle(client: Client, motion: str, style: str, seed: int, seen: Seen) -> None:
    """Restyle once, and look whether the answer belongs to the question."""
    started = time.monotonic()
    try:
        files, report = client.predict(motion=motion, style=style, seed=seed, api_name="/stylize")
    except Exception as error:
        seen.errors.append(f"{error}"[:200])
        time.sleep(0.5)
        return
    seen.durations.append(time.monotonic() - started)
    action = motion.rpartition("/")[2]
    if report["style"] != style or not Path(files[0]).name.startswith(action):
        seen.mixed_up.append(f"asked for {action} {style}, got {Path(files[0]).name} {report['style']}")


def memory_mb(pid: int) -> float:
    """The resident memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


def wait_until_it_answers(url: str, server: subprocess.Popen) -> None:
    """Return when the app serves its page."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    sys.exit("The app did not start; run `python app.py` to see why.")


def main(options: Options) -> None:
    """Start the app, let everybody in, and print what was seen."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/"
    command = [sys.executable, "app.py", "--port", str(port), "--queue-size", str(options.queue_size)]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        wait_until_it_answers(url, server)
        seen, memory = Seen(), {"start": memory_mb(server.pid)}
        end = time.monotonic() + options.seconds
        people = [
            threading.Thread(target=person, args=(url, number, end, seen), daemon=True)
            for number in range(options.clients)
        ]
        for each in people:
            each.start()
        for minute in range(1, int(options.seconds // MINUTE_SECONDS) + 1):
            time.sleep(MINUTE_SECONDS)
            memory[f"minute {minute}"] = memory_mb(server.pid)
        for each in people:
            each.join()
        memory["end"] = memory_mb(server.pid)
    finally:
        server.terminate()
        server.wait(timeout=30)
    print(json.dumps(summary(seen, memory, options), indent=2))
    if seen.mixed_up or seen.errors or not seen.durations:
        sys.exit(1)


def summary(seen: Seen, memory: dict[str, float], options: Options) -> dict:
    """What is reported of a run."""
    durations = sorted(seen.durations)
    return {
        "clients": options.clients,
        "restyles": len(durations),
        "restyles_per_second": round(len(durations) / options.seconds, 2),
        "seconds_median": round(statistics.median(durations), 2) if durations else None,
        "seconds_95th": round(durations[int(0.95 * (len(durations) - 1))], 2) if durations else None,
        "mixed_up": seen.mixed_up,
        "errors": Counter(seen.errors),
        "memory_mb": {name: round(value) for name, value in memory.items()},
    }


if __name__ == "__main__":
    main(tyro.cli(Options))
