"""A real Redis with and without passwords, users and TLS, and in broken states."""
import subprocess

import pytest

from conftest import as_user, find_tool, free_port, probe, skip_or_fail, stop, wait_ready


class Servers:
    """Starts Redis servers with options; all end with the module."""

    def __init__(self, base):
        self.base, self.running = base, []

    def start(self, *options, ready="redis://127.0.0.1:{port}", directory="redis", port=None):
        port = port or free_port()
        data = self.base / directory
        data.mkdir(exist_ok=True)
        data.chmod(0o777)
        process = subprocess.Popen(
            [*as_user("nobody"), find_tool("redis-server"), "--dir", str(data), "--bind",
             "127.0.0.1", "--save", "", "--port", str(port),
             *[o.format(port=port) for o in options]],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.running.append(process)
        if ready:
            wait_ready(ready.format(port=port), process)
        return port, process


@pytest.fixture(scope="module")
def redis(base):
    if not find_tool("redis-server"):
        skip_or_fail("Redis is not installed (apt-get install redis-server)")
    servers = Servers(base)
    yield servers
    for process in servers.running:
        stop(process)


def cli(port, *args):
    return subprocess.run(["redis-cli", "-p", str(port), *args], check=True, capture_output=True,
                          text=True).stdout.strip()


def test_open(redis):
    port, _ = redis.start()
    got = probe(f"redis://127.0.0.1:{port}/3")
    assert got.text == "Redis master: PING, ROLE, write, read and delete"
    assert cli(port, "-n", "3", "dbsize") == "0", "the canary is gone"
    got = probe(f"redis://127.0.0.1:{port}?write=no")
    assert got.text == "Redis master: PING, ROLE"
    got = probe(f"redis://:pw@127.0.0.1:{port}")
    assert (got.verdict, got.code) == ("never", "no-password-set")
    got = probe(f"redis://127.0.0.1:{port}/99")
    assert (got.verdict, got.code) == ("never", "db")
    got = probe(f"rediss://127.0.0.1:{port}?timeout=500ms")  # it waits for the end of a line
    assert (got.verdict, got.layer, got.code) == ("not yet", "tls", "timeout")


def test_password(redis):
    port, _ = redis.start("--requirepass", "s3:cr/et", ready="redis://:s3%3Acr%2Fet@127.0.0.1:{port}")
    got = probe(f"redis://:s3%3Acr%2Fet@127.0.0.1:{port}")
    assert got.text == "Redis master: login, PING, ROLE, write, read and delete"
    got = probe(f"redis://default:s3%3Acr%2Fet@127.0.0.1:{port}")
    assert got.verdict == "ready"
    got = probe(f"redis://:wrong@127.0.0.1:{port}")
    assert (got.verdict, got.code, got.layer) == ("never", "WRONGPASS", "auth")
    got = probe(f"redis://127.0.0.1:{port}")
    assert (got.verdict, got.code) == ("never", "NOAUTH")


def test_acl(redis):
    port, _ = redis.start(*"--user app on >pencil ~fettle:* +@all".split(),
                          *"--user reader on >pencil ~* +ping +select".split(),
                          *"--user mute on >pencil".split())
    assert probe(f"redis://app:pencil@127.0.0.1:{port}").verdict == "ready"
    got = probe(f"redis://app:wrong@127.0.0.1:{port}")
    assert (got.verdict, got.code) == ("never", "WRONGPASS")
    got = probe(f"redis://reader:pencil@127.0.0.1:{port}")
    assert (got.verdict, got.code) == ("never", "NOPERM")
    assert probe(f"redis://reader:pencil@127.0.0.1:{port}?write=no").text == "Redis: login, PING"
    got = probe(f"redis://mute:pencil@127.0.0.1:{port}")
    assert (got.verdict, got.code) == ("never", "NOPERM") and "+ping" in got.text


def test_tls(redis, certificates):
    tls = free_port()
    options = ["--tls-port", str(tls), "--tls-cert-file", str(certificates / "server.pem"),
               "--tls-key-file", str(certificates / "server.key"), "--tls-ca-cert-file",
               str(certificates / "ca.pem"), "--tls-auth-clients", "no"]
    (certificates / "server.key").chmod(0o644)
    redis.start(*options)
    assert probe(f"rediss://127.0.0.1:{tls}").verdict == "ready"
    good = f"rediss://localhost:{tls}?verify=yes&ca={certificates}"
    assert probe(f"{good}/ca.pem").verdict == "ready"
    got = probe(f"{good}/other.pem")
    assert (got.verdict, got.layer) == ("never", "tls")
    got = probe(f"redis://127.0.0.1:{tls}?timeout=1s")
    assert got.verdict != "ready"


def test_refuses_writes(redis):
    port, _ = redis.start("--maxmemory", "1", "--maxmemory-policy", "noeviction",
                          ready="redis://127.0.0.1:{port}?write=no")
    assert probe(f"redis://127.0.0.1:{port}").code == "OOM"
    port, _ = redis.start("--replicaof", "127.0.0.1", "1", ready=None)
    got = probe(f"redis://127.0.0.1:{port}?timeout=10s")
    while got.code == "refused":
        got = probe(f"redis://127.0.0.1:{port}?timeout=10s")
    assert (got.verdict, got.code) == ("not yet", "replica-sync")


def test_loading(redis):
    port, process = redis.start(directory="slow")
    assert cli(port, "eval", "for i=1,3000 do redis.call('set',i,i) end return 1", "0") == "1"
    assert cli(port, "save") == "OK"
    stop(process)
    assert probe(f"redis://127.0.0.1:{port}").code == "refused"
    _, process = redis.start("--key-load-delay", "500", "--loading-process-events-interval-bytes",
                             "1024", directory="slow", port=port, ready=None)
    seen = wait_ready(f"redis://127.0.0.1:{port}", process)
    assert {o.verdict for o in seen} <= {"not yet", "ready"}
    assert "LOADING" in {o.code for o in seen}


def test_other_protocols(redis):
    port, _ = redis.start()
    got = probe(f"postgres://a:b@127.0.0.1:{port}/x?timeout=2s")
    assert got.verdict != "ready"
    got = probe(f"http://127.0.0.1:{port}/")
    assert got.verdict != "ready"
