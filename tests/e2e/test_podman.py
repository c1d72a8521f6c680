"""The same program on Podman's service: it runs no health checks by itself, fettle does."""
import os
import shutil
import subprocess

import pytest

from conftest import ROOT, Project, skip_or_fail
from dockerapi import Engine

DIR = os.environ.get("FETTLE_TEST_PODMAN_DIR", "/var/lib/fettle-test-podman")
IMAGE = "localhost/fettle-test/tiny:1"
TOOL = str(ROOT / "tools/engine")
MODEL = {"services": {
    "db": {"image": IMAGE, "command": ["flaky", "8080", "700"], "stop_grace_period": "1s",
           "healthcheck": {"test": ["CMD", "wget", "-qO", "/dev/null", "http://127.0.0.1:8080/"],
                           "interval": "30s"}},
    "web": {"image": IMAGE, "command": ["http", "8081"], "stop_grace_period": "1s",
            "depends_on": {"db": {"condition": "service_healthy"}}}}}


class Inside(Project):
    """The program, in the network of Podman's containers."""

    def start_process(self, *args, **options):
        binary, self.binary = self.binary, TOOL
        try:
            return super().start_process("exec", DIR, binary, *args, **options)
        finally:
            self.binary = binary


@pytest.fixture
def on_podman(tmp_path, binary, tiny, engine):
    shutil.rmtree(DIR, ignore_errors=True)  # what an interrupted run left cannot be started again
    started = subprocess.run([TOOL, "start", "--podman", DIR], stdout=subprocess.PIPE, text=True,
                             check=False)
    if started.returncode != 0:
        skip_or_fail("Podman's service cannot be started here (see above)")
    podman = Engine(started.stdout.strip())
    image = engine.call("GET", f"/images/{tiny}/get")
    podman.call("POST", "/images/load", image)
    podman.call("POST", f"/images/{tiny}/tag?repo=localhost/fettle-test/tiny&tag=1", fine=(201, 500))
    project = Inside(tmp_path, "e2e-podman", binary, podman)
    project.env["DOCKER_HOST"] = started.stdout.strip()
    yield project
    podman.clean(project.name, volumes=True)
    subprocess.run([TOOL, "stop", DIR], check=True)


def test_a_life_on_podman(on_podman):
    project = on_podman.write(MODEL)
    r = project.up()
    assert "health check passed" in r.err and r.seconds < 30
    assert project.states() == {"db": ["running"], "web": ["running"]}
    before = project.ids()
    project.up()
    assert project.ids() == before  # what runs is left alone
    assert project.run("exec", "-T", "web", "sh", "-c", "echo in; exit 3", code=3).out == "in\n"
    assert {row["Service"] for row in project.run("ps", "--format", "json").lines()} == {"db", "web"}
    project.run("restart", "-t", "1", "db")
    assert "podman" in project.run("version").out.lower()
    project.run("down", "-t", "1")
    project.assert_gone()
