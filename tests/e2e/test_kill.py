"""Killed at any moment, the next `up` converges and leaves nothing over."""
import os
import random
import signal
import time

TINY = "fettle-test/tiny:1"
MODEL = {"services": {
    "db": {"image": TINY, "command": ["flaky", "8080", "150"], "volumes": ["data:/data"],
           "healthcheck": {"test": ["CMD", "wget", "-qO", "/dev/null", "http://127.0.0.1:8080/"],
                           "interval": "10s"}},
    "api": {"image": TINY, "depends_on": {"db": {"condition": "service_healthy"}}},
    "web": {"image": TINY, "depends_on": ["api"], "scale": 2}},
    "volumes": {"data": {}}}
WANTED = {"db": ["running"], "api": ["running"], "web": ["running", "running"]}
MOMENTS = int(os.environ.get("FETTLE_TEST_KILLS", "8"))


def test_killed_at_random_moments(project):
    project.write(MODEL)
    whole = project.up().seconds
    project.run("down", "-v", "-t", "2")
    seed = int.from_bytes(os.urandom(4), "big")
    print("seed", seed)
    rng = random.Random(seed)
    for _ in range(MOMENTS):
        process = project.start_process("up", "-d", "--wait")
        time.sleep(rng.uniform(0, whole))  # the moment itself, not a wait for something
        process.send_signal(signal.SIGKILL)
        process.communicate()
        project.up()
        assert project.states() == WANTED
        assert list(project.engine.networks(project.name)) == [f"{project.name}_default"]
        project.run("down", "-v", "-t", "2")
        project.assert_gone()


def test_interrupted_it_stops_cleanly(project):
    project.write(MODEL)
    process = project.start_process("up", "-d", "--wait")
    while "starting" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    r = project.finish(process, 20)
    assert r.code in (0, 1, 5, 130)
    project.up()
    assert project.states() == WANTED


def test_late_requests_of_a_killed_command(project):
    """A network that the engine made twice, and a container that it made after we looked."""
    project.write(MODEL).up()
    network = project.engine.networks(project.name)[f"{project.name}_default"]
    project.run("down", "-v", "-t", "2")
    for _ in range(2):
        project.engine.call("POST", "/networks/create", {
            "Name": network["Name"], "Labels": network["Labels"], "Driver": "bridge"})
    project.up()
    assert project.states() == WANTED
    assert project.run("ps", "-q").out.split()
    project.run("down", "-v", "-t", "2")
    project.assert_gone()
