"""Either tool takes over what the other one started."""
import subprocess

import pytest

TINY = "fettle-test/tiny:1"
MODEL = {"services": {
    "db": {"image": TINY, "command": ["tcp", "5000"], "volumes": ["data:/data"]},
    "web": {"image": TINY, "command": ["http", "8080"], "depends_on": ["db"],
            "environment": {"A": "1"}}},
    "volumes": {"data": {}}}


@pytest.fixture
def theirs(project, compose):
    def run(*args):
        return subprocess.run([compose, *args], cwd=project.dir, env=project.env, check=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=120).stdout
    return run


def test_theirs_on_ours(project, theirs):
    project.write(MODEL).up()
    out = theirs("ps", "--services")
    assert set(out.split()) == {"db", "web"}
    theirs("logs", "web")
    theirs("down", "-v", "-t", "2")
    project.assert_gone()


def test_ours_on_theirs(project, theirs):
    project.write(MODEL)
    theirs("up", "-d")
    assert {r["Service"] for r in project.run("ps", "--format", "json").lines()} == {"db", "web"}
    project.run("logs", "web")
    project.run("down", "-v", "-t", "2")
    project.assert_gone()


def test_they_find_nothing_to_do_after_us(project, theirs):
    project.write(MODEL).up()
    before = project.ids()
    theirs("up", "-d")
    assert project.ids() == before


def test_we_find_nothing_to_do_after_them(project, theirs):
    project.write(MODEL)
    theirs("up", "-d")
    before = project.ids()
    project.up()
    assert project.ids() == before
