"""The reference platform, through its own scripts, as its description has them."""
import json
import re
import shutil
import subprocess
import urllib.request

import pytest

from conftest import ROOT, Project, skip_or_fail

STACK = ROOT / "examples/vru"
SIX = ("/health", "/health/detailed", "/health/database", "/health/redis", "/health/readiness",
       "/health/liveness")


def fetch(url, body=None):
    request = urllib.request.Request(url, body and json.dumps(body).encode(),
                                     {"Content-Type": "application/json"} if body else {})
    with urllib.request.urlopen(request, timeout=10) as reply:
        return reply.status, reply.headers, reply.read().decode()


def page_in_a_browser(url, profile):
    """The page's elements after its scripts ran, and what they wrote to the console."""
    program = shutil.which("chromium")
    if program is None:
        skip_or_fail("chromium is not installed")
    done = subprocess.run(
        [program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
         f"--user-data-dir={profile}", "--enable-logging=stderr", "--virtual-time-budget=8000",
         "--dump-dom", url], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60,
        check=True)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


@pytest.fixture
def platform(tmp_path, binary, engine, stack_images):
    folder = tmp_path / "vru"
    shutil.copytree(STACK, folder, ignore=shutil.ignore_patterns(".env", "node_modules", "dist"))
    project = Project(folder, "e2e-vru", binary, engine)
    project.env["FETTLE"] = binary
    engine.clean(project.name, volumes=True)
    yield project
    engine.clean(project.name, volumes=True)


def script(project, name, *args, seconds=300):
    done = subprocess.run([str(project.dir / "scripts" / name), *args], env=project.env, cwd="/",
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          stdin=subprocess.DEVNULL, timeout=seconds, check=False)
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_the_description_word_for_word(platform):
    script(platform, "docker-orchestrator.sh", "setup")
    script(platform, "docker-orchestrator.sh", "start")
    for path in SIX:
        assert fetch("http://localhost:8000" + path)[0] == 200
    assert json.loads(fetch("http://localhost:8000/health/detailed")[2])["status"] == "healthy"
    assert "swagger" in fetch("http://localhost:8000/docs")[2]
    page = fetch("http://localhost:3000/")[2]
    for asset in re.findall(r'(?:src|href)="(/[^"]+)"', page):
        assert fetch("http://localhost:3000" + asset)[0] == 200
    fetch("http://localhost:3000/api/projects", {"name": "by test"})
    fetch("http://localhost:3000/api/projects")
    _, headers, listed = fetch("http://localhost:3000/api/projects")
    assert headers["X-Cache"] == "hit" and "by test" in listed

    assert all(c["RestartCount"] == 0 for n in platform.containers().values() for c in n.values())
    out = script(platform, "docker-orchestrator.sh", "status")
    assert all(s in out for s in ("postgres", "redis", "backend", "frontend"))
    script(platform, "docker-orchestrator.sh", "logs", "backend")
    out = script(platform, "docker-orchestrator.sh", "restart", "postgres")
    for service in ("postgres", "backend", "frontend"):  # it and its dependents are proved again
        assert re.search(rf"^\[.*\] {service} +ready ", out, re.M), out
    assert not re.search(r"^\[.*\] redis ", out, re.M), out
    script(platform, "docker-orchestrator.sh", "restart")
    assert "by test" in fetch("http://localhost:3000/api/projects")[2]
    script(platform, "postgres-init.sh")
    script(platform, "docker-orchestrator.sh", "stop")
    assert {s for n in platform.states().values() for s in n} == {"exited"}
    script(platform, "docker-orchestrator.sh", "start")
    script(platform, "docker-orchestrator.sh", "clean")
    assert platform.containers() == {}


def test_the_page_shows_what_is_there(platform, tmp_path):
    script(platform, "docker-orchestrator.sh", "setup")
    script(platform, "docker-orchestrator.sh", "start")
    dom, console = page_in_a_browser("http://localhost:3000/", tmp_path / "browser")
    assert console == []
    assert "Crossing at dusk" in dom and "dusk-north-01.mp4" in dom and "cyclist" in dom
    assert dom.count('class="pill healthy"') == 5


def test_production_override(platform):
    script(platform, "docker-orchestrator.sh", "setup")
    platform.run("-f", "docker-compose.yml", "-f", "docker-compose.prod.yml", "up", "-d", "--wait")
    backend = platform.container("backend")
    assert backend["HostConfig"]["Memory"] == 1 << 30
    assert "--workers" in backend["Config"]["Cmd"]
    assert fetch("http://localhost:8000/health/readiness")[0] == 200


def test_database_and_cache_are_for_this_machine_only(platform):
    model = platform.run("--env-file", ".env.example", "config", "--format", "json").json()
    for service in ("postgres", "redis"):
        assert [p["host_ip"] for p in model["services"][service]["ports"]] == ["127.0.0.1"]
