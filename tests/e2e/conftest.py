"""End to end: the built program against a real dockerd.

The dockerd is a private one (tools/engine), so nothing here touches the machine's own; with
FETTLE_TEST_DOCKER_HOST set, the engine there is used instead. FETTLE names the program; by default
the sanitized build, else the release. Every test has its own project, and must leave nothing.
"""
import ctypes
import hashlib
import io
import json
import os
import re
import signal
import subprocess
import tarfile
import time
from pathlib import Path

import pytest

from dockerapi import Engine

ROOT = Path(__file__).resolve().parents[2]
ENGINE_DIR = os.environ.get("FETTLE_TEST_ENGINE_DIR", "/var/lib/fettle-test")
STRICT = bool(os.environ.get("CI"))
CLONE_NEWNET = 0x40000000
SANITIZER_EXIT = 99


def skip_or_fail(reason):
    """Outside of CI a test that cannot run here is skipped; there it has to run."""
    if STRICT:
        pytest.fail(reason)
    pytest.skip(reason)


def wait_for(what, condition, seconds=20):
    """Polls until `condition` gives something true, and returns that; `what` is for the failure."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            pytest.fail(f"not within {seconds} s: {what}")
        time.sleep(0.02)


def enter_network_of(pid):
    """This process, and whatever it starts, moves to where the private engine's networks are."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open(f"/proc/{pid}/ns/net", "rb") as f:
        if libc.setns(f.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")


@pytest.fixture(scope="session")
def engine():
    host = os.environ.get("FETTLE_TEST_DOCKER_HOST")
    if host:
        os.environ["DOCKER_HOST"] = host
        yield Engine(host)
        return
    tool = str(ROOT / "tools/engine")
    started = subprocess.run([tool, "start", "--private", ENGINE_DIR], stdout=subprocess.PIPE,
                             text=True, check=False)
    if started.returncode != 0:
        skip_or_fail("no private dockerd can be started here (see above)")
    os.environ["DOCKER_HOST"] = started.stdout.strip()
    enter_network_of(Path(ENGINE_DIR, "pid").read_text(encoding="ascii").split()[0])
    mine = Engine()
    mine.clear()
    yield mine
    subprocess.run([tool, "stop", ENGINE_DIR], check=True)


@pytest.fixture(scope="session")
def tiny(engine):
    """fettle-test/tiny:1 is there."""
    subprocess.run([str(ROOT / "tests/images/build"), "tiny"], check=True)
    return "fettle-test/tiny:1"


@pytest.fixture(scope="session")
def stack_images(engine):
    """vru/* are there: real PostgreSQL, Redis, FastAPI and nginx."""
    subprocess.run([str(ROOT / "tests/images/build"), "stack"], check=True)


@pytest.fixture(scope="session")
def binary():
    candidates = [os.environ.get("FETTLE"), ROOT / "build/asan/fettle", ROOT / "build/fettle"]
    for path in candidates:
        if path and os.access(path, os.X_OK):
            return str(path)
    return pytest.fail("the program is not built; or name it in FETTLE")


class Result:
    def __init__(self, code, out, err, seconds):
        self.code, self.out, self.err, self.seconds = code, out, err, seconds

    @property
    def all(self):
        return self.out + self.err

    def json(self):
        return json.loads(self.out)

    def lines(self):
        """The objects of output that has one a line."""
        return [json.loads(line) for line in self.out.splitlines() if line.strip()]


class Project:
    """A folder with a Compose file, a project name, and the program run on them."""

    def __init__(self, folder, name, binary, engine):
        self.dir, self.name, self.binary, self.engine = Path(folder), name, binary, engine
        self.env = {**os.environ, "COMPOSE_PROJECT_NAME": name, "NO_COLOR": "1",
                    "ASAN_OPTIONS": f"exitcode={SANITIZER_EXIT}:detect_leaks=1",
                    "UBSAN_OPTIONS": f"halt_on_error=1:exitcode={SANITIZER_EXIT}"}

    def write(self, model, file="compose.yaml"):
        """Writes a Compose file: text, or an object (JSON is YAML)."""
        text = model if isinstance(model, str) else json.dumps(model, indent=1)
        path = self.dir / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return self

    def start_process(self, *args, **options):
        return subprocess.Popen([self.binary, *args], cwd=self.dir, env=self.env,
                                stdin=options.pop("stdin", subprocess.DEVNULL),
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)

    def finish(self, process, seconds=60, text=None):
        begin = time.monotonic()
        try:
            out, err = process.communicate(text, timeout=seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGABRT)
            out, err = process.communicate()
            pytest.fail(f"{' '.join(process.args)}: still running after {seconds} s\n{out}\n{err}")
        if process.returncode == SANITIZER_EXIT or "runtime error:" in err:
            pytest.fail(f"{' '.join(process.args)}: sanitizer report\n{err}")
        return Result(process.returncode, out, err, time.monotonic() - begin)

    def run(self, *args, code=0, seconds=60, stdin=None):
        """Runs `fettle ARGS`; code: the exit status that it must have, None for any."""
        options = {"stdin": subprocess.PIPE} if stdin is not None else {}
        r = self.finish(self.start_process(*args, **options), seconds, stdin)
        if code is not None and r.code != code:
            pytest.fail(f"fettle {' '.join(args)}: exit {r.code}, expected {code}\n{r.out}\n{r.err}")
        return r

    def up(self, *args, **options):
        return self.run("up", "-d", "--wait", *args, **options)

    def containers(self):
        """By service and number: {"web": {1: inspect}}."""
        found = {}
        for c in self.engine.containers(self.name).values():
            labels = c["Config"]["Labels"]
            number = int(labels.get("com.docker.compose.container-number", "0"))
            found.setdefault(labels["com.docker.compose.service"], {})[number] = c
        return found

    def container(self, service, number=1):
        return self.containers()[service][number]

    def states(self):
        return {s: [c["State"]["Status"] for _, c in sorted(n.items())]
                for s, n in self.containers().items()}

    def ids(self):
        return {s: {n: c["Id"] for n, c in numbers.items()}
                for s, numbers in self.containers().items()}

    def leftovers(self):
        return (list(self.engine.containers(self.name)) + list(self.engine.networks(self.name)) +
                list(self.engine.volumes(self.name)))

    def assert_gone(self):
        assert self.leftovers() == []


@pytest.fixture
def project(request, tmp_path, binary, engine, tiny):
    name = "e2e-" + re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:40]
    engine.clean(name, volumes=True)
    yield Project(tmp_path, name, binary, engine)
    engine.clean(name, volumes=True)


@pytest.fixture(scope="session")
def compose():
    """docker compose 2, fetched from Debian's archive, as a program."""
    fetched = subprocess.run([str(ROOT / "bench/get-peers")], stdout=subprocess.PIPE, text=True,
                             check=False)
    if fetched.returncode != 0:
        skip_or_fail("docker compose 2 could not be fetched")
    return fetched.stdout.strip().split("\n")[-1]


@pytest.fixture
def foreign_image(engine):
    """Loads an image of another architecture; returns its name."""
    name = "fettle-test/foreign:1"
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as t:
        info = tarfile.TarInfo("bin/tiny")
        # The head of an ELF file for AArch64: no kernel of another kind will run it.
        head = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xb7\x00\x01\x00\x00\x00" + bytes(40)
        info.size, info.mode = len(head), 0o755
        t.addfile(info, io.BytesIO(head))
    blob = layer.getvalue()
    config = json.dumps({"architecture": "arm64", "os": "linux", "config": {"Cmd": ["/bin/tiny"]},
                         "rootfs": {"type": "layers",
                                    "diff_ids": ["sha256:" + hashlib.sha256(blob).hexdigest()]}})
    manifest = json.dumps([{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}])
    image = io.BytesIO()
    with tarfile.open(fileobj=image, mode="w") as t:
        for file, data in (("config.json", config.encode()), ("manifest.json", manifest.encode()),
                           ("layer.tar", blob)):
            info = tarfile.TarInfo(file)
            info.size = len(data)
            t.addfile(info, io.BytesIO(data))
    engine.call("POST", "/images/load", image.getvalue())
    return name
