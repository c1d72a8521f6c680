"""Probes against real servers from Debian's packages, each in a temporary directory on the loopback.

PROBE_ONCE names the program that probes once and prints "verdict|layer|code|text".
"""
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections import namedtuple
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STRICT = os.environ.get("FETTLE_STRICT", "1" if os.environ.get("CI") else "0") == "1"
Outcome = namedtuple("Outcome", "verdict layer code text")


def skip_or_fail(reason):
    """Outside of CI a test that cannot run here is skipped; there it has to run."""
    if STRICT:
        pytest.fail(reason)
    pytest.skip(reason)


def program():
    named = os.environ.get("PROBE_ONCE")
    for path in [named] if named else [ROOT / "build/asan/tests/probe_once",
                                       ROOT / "build/tests/probe_once"]:
        if os.access(path, os.X_OK):
            return str(path)
    pytest.fail("probe_once is not built")


def probe(target, check=True):
    run = subprocess.run([program(), target], capture_output=True, text=True, timeout=30,
                         check=False)
    assert not run.stderr, run.stderr
    outcome = Outcome(*run.stdout.rstrip("\n").split("|", 3))
    assert run.returncode == (0 if outcome.verdict == "ready" else 1)
    return outcome


def wait_ready(target, server, seconds=30):
    """Probes until ready; returns every outcome on the way."""
    seen = []
    end = time.monotonic() + seconds
    while not seen or seen[-1].verdict != "ready":
        assert server.poll() is None, f"the server ended: {server.args}"
        assert time.monotonic() < end, seen[-1]
        seen.append(probe(target))
    return seen


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def find_tool(name, places=()):
    return shutil.which(name, path=os.pathsep.join([*places, os.environ["PATH"]]))


def as_user(name):
    """A prefix for servers that refuse to run as root."""
    if os.geteuid() != 0:
        return []
    user = pwd.getpwnam(name)
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


def stop(process, signal="TERM"):
    process.terminate() if signal == "TERM" else process.send_signal(signal)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def base():
    """A directory that other users may enter."""
    path = Path(tempfile.mkdtemp(prefix="fettle-servers-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def certificates(base):
    """ca.pem, server.pem and server.key for localhost, and other.pem, a stranger's CA."""
    if not find_tool("openssl"):
        skip_or_fail("openssl is not installed")

    def openssl(*args):
        subprocess.run(["openssl", *args], cwd=base, check=True, capture_output=True)

    for name in ("ca", "other"):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", "2",
                "-subj", f"/CN=fettle test {name}")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
            "server.key", "-out", "server.csr", "-subj", "/CN=localhost")
    (base / "ext").write_text("subjectAltName=DNS:localhost\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "2",
            "-extfile", "ext", "-out", "server.pem")
    return base
