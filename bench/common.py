"""Shared by the benchmarks: the engine's API, commands with their cost, an idle gate, statistics."""
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/e2e"))
from dockerapi import Engine, in_parallel  # noqa: E402,F401 - for the benchmarks that import this

FETTLE = os.environ.get("FETTLE", str(ROOT / "build/fettle"))


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


