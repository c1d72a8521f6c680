"""Shared by the benchmarks: the engine's API, commands with their cost, an idle gate, statistics."""
import http.client
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent
FETTLE = os.environ.get("FETTLE", str(ROOT / "build/fettle"))


class Engine:
    """The Docker Engine API over its Unix socket, one kept connection a thread."""

    def __init__(self):
        host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
        if not host.startswith("unix://"):
            sys.exit(f"the benchmarks need an engine on a Unix socket, not {host}")
        self.path = host[len("unix://"):]
        self.local = threading.local()

    def connection(self):
        c = getattr(self.local, "connection", None)
        if c is None:
            c = self.local.connection = http.client.HTTPConnection("localhost")
            c.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            c.sock.settimeout(120)
            c.sock.connect(self.path)
        return c

    def call(self, method, path, body=None, fine=(200, 201, 204, 304)):
        data = None if body is None else json.dumps(body)
        try:
            c = self.connection()
            c.request(method, path, data, {"Content-Type": "application/json"} if data else {})
            reply = c.getresponse()
            raw = reply.read()
        except (OSError, http.client.HTTPException):
            self.local.connection = None
            raise
        if reply.status not in fine:
            raise RuntimeError(f"{method} {path}: {reply.status} {raw[:300].decode(errors='replace')}")
        return json.loads(raw) if raw.strip() else None

    def version(self):
        v = self.call("GET", "/version")
        return f"{v['Platform']['Name'] or 'engine'} {v['Version']}"

    def has_image(self, name):
        return self.call("GET", f"/images/{name}/json", fine=(200, 404)).get("Id") is not None

    def clean(self, project, volumes):
        """Removes all that carries the project's label, whoever made it. The engine lets go of a
        container's network and volumes a little after the container itself, hence the tries."""
        mine = "filters=" + quote(json.dumps({"label": [f"com.docker.compose.project={project}"]}))
        end = time.monotonic() + 60
        while True:
            left = [("containers", c["Id"] + "?force=1&v=1")
                    for c in self.call("GET", f"/containers/json?all=1&{mine}")]
            left = left or [("networks", n["Id"]) for n in self.call("GET", f"/networks?{mine}")]
            if volumes and not left:
                left = [("volumes", v["Name"])
                        for v in self.call("GET", f"/volumes?{mine}")["Volumes"] or []]
            if not left:
                return
            if time.monotonic() > end:
                raise RuntimeError(f"could not be removed: {left}")
            in_parallel([lambda kind=k, name=n: self.call("DELETE", f"/{kind}/{name}",
                                                          fine=(204, 403, 404, 409))
                         for k, n in left], 4)


def in_parallel(jobs, width=None):
    """Runs the jobs on `width` threads (default: one each); the first failure is raised at the end."""
    todo, failed, lock = list(reversed(jobs)), [], threading.Lock()

    def work():
        while True:
            with lock:
                if not todo:
                    return
                job = todo.pop()
            try:
                job()
            except Exception as error:
                failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(min(width or len(jobs), len(jobs)))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if failed:
        raise failed[0]


def run(command, check=True, **options):
    """(wall seconds, exit code, output)."""
    begin = time.monotonic()
    p = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       stdin=subprocess.DEVNULL, text=True, timeout=900, **options)
    wall = time.monotonic() - begin
    if check and p.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: exit {p.returncode}\n{p.stdout[-3000:]}")
    return wall, p.returncode, p.stdout


def peak_kib(command, **options):
    """Peak resident memory of a command. Through time(1): measured from here, the child's figure
    would begin with this interpreter's own, which it has until it becomes the command."""
    if shutil.which("time", path="/usr/bin") is None:
        return None
    with tempfile.NamedTemporaryFile("r") as f:
        run(["/usr/bin/time", "-f", "%M", "-o", f.name, *command], **options)
        return int(f.read().split()[-1])


def idle_share(seconds=0.5):
    def read():
        v = [int(x) for x in Path("/proc/stat").read_text().split("\n")[0].split()[1:]]
        return v[3] + v[4], sum(v)
    a = read()
    time.sleep(seconds)
    b = read()
    return (b[0] - a[0]) / max(1, b[1] - a[1])


class Gate:
    """Waits for an idle machine before each measurement and remembers where it was not to be had."""

    def __init__(self, share=0.85, patience=60):
        self.share, self.patience, self.busy = share, patience, 0

    def wait(self):
        end = time.monotonic() + self.patience
        while idle_share() < self.share:
            if time.monotonic() > end:
                self.busy += 1
                return


def compose_program():
    """docker compose 2 as a program of its own: $COMPOSE, or fetched."""
    if os.environ.get("COMPOSE"):
        return os.environ["COMPOSE"]
    return run([str(ROOT / "bench/get-peers")])[2].strip().split("\n")[-1]


def ms(seconds):
    return f"{seconds * 1000:.0f} ms" if seconds < 10 else f"{seconds:.1f} s"


class Table:
    """Samples by (row, column); prints best and median."""

    def __init__(self):
        self.samples = {}

    def add(self, row, column, value):
        self.samples.setdefault((row, column), []).append(value)

    def median(self, row, column):
        s = self.samples.get((row, column))
        return statistics.median(s) if s else None

    def show(self, title, form=ms):
        rows = list(dict.fromkeys(r for r, _ in self.samples))
        columns = list(dict.fromkeys(c for _, c in self.samples))
        width = max(len(r) for r in rows) + 2
        print(f"\n{title}  (median, best, runs)")
        print(" " * width + "".join(f"{c:>26}" for c in columns))
        for r in rows:
            cells = []
            for c in columns:
                s = self.samples.get((r, c))
                cells.append(f"{form(self.median(r, c))}, {form(min(s))}, {len(s)}" if s else "-")
            print(f"{r:<{width}}" + "".join(f"{c:>26}" for c in cells))


class Goals:
    """What has to hold; prints each with its figure and remembers whether all did."""

    def __init__(self):
        self.missed = 0

    def at_most(self, what, value, limit, unit=""):
        self._say(what, value, "at most", limit, unit, lambda: value <= limit)

    def at_least(self, what, value, limit, unit=""):
        self._say(what, value, "at least", limit, unit, lambda: value >= limit)

    def _say(self, what, value, relation, limit, unit, holds):
        if value is None:
            print(f"  not measured  {what}")
            return
        good = holds()
        self.missed += not good
        print(f"  {'reached' if good else 'MISSED ':<12}  {what}: {value:.2f}{unit}, {relation} {limit:g}{unit}")


def ratio(a, b):
    return None if a is None or b is None else a / b


