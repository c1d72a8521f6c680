"""Nothing starts before what it depends on is proved; what can never be ready fails at once."""
import os
import signal
import time

import pytest

from conftest import ROOT, wait_for

TINY = "fettle-test/tiny:1"
RACES = int(os.environ.get("FETTLE_TEST_RACES", "3"))
WGET = ["CMD", "wget", "-qO", "/dev/null", "http://127.0.0.1:8080/"]


def postgres(**more):
    return {"image": "vru/postgres:15",
            "environment": {"POSTGRES_PASSWORD": "right", "POSTGRES_DB": "app"},
            "healthcheck": {"test": ["CMD", "pg_isready"], "interval": "10s",
                            "start_period": "30s"}, **more}


def stack(depends, **services):
    model = {"services": {"app": {"image": TINY, "depends_on": depends}, **services}}
    for service in model["services"].values():
        service.setdefault("image", TINY)
    return model


def healthy(name):
    return {name: {"condition": "service_healthy"}}


def test_a_health_check_releases_at_the_first_success(project):
    """The check runs every 30 s by its own clock; the service is good after one second."""
    project.write(stack(healthy("api"), api={
        "command": ["flaky", "8080", "1000"],
        "healthcheck": {"test": WGET, "interval": "30s", "start_period": "60s"}}))
    r = project.up()
    assert 1 <= r.seconds < 5
    api, app = project.container("api"), project.container("app")
    assert app["State"]["StartedAt"] > api["State"]["StartedAt"]


def test_a_service_without_health_check_is_ready_when_it_runs(project):
    project.write(stack({"api": {"condition": "service_started"}}, api={"command": ["pause"]}))
    assert project.up().seconds < 10


def test_a_job_has_to_complete(project):
    project.write(stack({"job": {"condition": "service_completed_successfully"}},
                        job={"command": ["exit", "0", "700"]}))
    project.up()
    job, app = project.container("job"), project.container("app")
    assert job["State"]["Status"] == "exited"
    assert app["State"]["StartedAt"] > job["State"]["FinishedAt"]


def test_a_job_that_fails_stops_the_start(project):
    project.write(stack({"job": {"condition": "service_completed_successfully"}},
                        job={"command": ["exit", "9"]}))
    r = project.up(code=None)
    assert r.code != 0
    assert "job" in r.err and "9" in r.err
    assert project.states().get("app") != ["running"]


def test_an_optional_dependency_may_be_missing(project):
    project.write(stack({"api": {"condition": "service_started", "required": False}},
                        api={"profiles": ["never"]}))
    project.up()
    assert set(project.states()) == {"app"}


def test_wait_timeout(project):
    project.write(stack(healthy("api"), api={
        "command": ["flaky", "8080", "600000"], "healthcheck": {"test": WGET, "interval": "1s",
                                                                "retries": 1000}}))
    r = project.up("--wait-timeout", "2", code=None)
    assert r.code != 0 and 2 <= r.seconds < 10
    assert "api" in r.err


def test_crash_loop_is_told_at_the_second_death(project):
    project.write(stack(healthy("api"), api={
        "command": ["exit", "42", "100"], "restart": "always",
        "healthcheck": {"test": WGET, "interval": "30s", "start_period": "60s"}}))
    r = project.up(code=None, seconds=30)
    assert r.code != 0 and r.seconds < 15
    assert "api" in r.err and "42" in r.err


def test_missing_command(project):
    project.write(stack({"api": {"condition": "service_started"}},
                        api={"entrypoint": ["/no/such/program"]}))
    r = project.up(code=None)
    assert r.code != 0 and r.seconds < 15
    assert "api" in r.err and "/no/such/program" in r.err


def test_wrong_architecture(project, foreign_image):
    project.write(stack({"api": {"condition": "service_started"}}, api={"image": foreign_image}))
    r = project.up(code=None)
    assert r.code != 0 and r.seconds < 15
    assert "api" in r.err and ("arm64" in r.err or "architecture" in r.err)


def test_missing_image(project):
    project.write(stack({"api": {"condition": "service_started"}},
                        api={"image": "fettle-test/none:1", "pull_policy": "never"}))
    r = project.up(code=None)
    assert r.code != 0
    assert "fettle-test/none:1" in r.err


def test_postgres_wrong_password_fails_at_once(project, stack_images):
    """The volume was made with another password, the usual way to get there; and the application
    relies on the new one."""
    model = stack(healthy("db"), db=postgres(volumes=["data:/var/lib/postgresql/data"]))
    model["volumes"] = {"data": {}}
    model["services"]["app"]["environment"] = {"DATABASE_URL": "postgres://postgres:k2jd8x@db/app"}
    project.write(model).up()
    project.run("down", "-t", "5")
    model["services"]["db"]["environment"] = {"POSTGRES_PASSWORD": "k2jd8x",
                                                "POSTGRES_DB": "app"}
    model["services"]["db"]["healthcheck"]["test"] = ["CMD", "false"]
    r = project.write(model).up(code=None)
    assert r.code != 0 and r.seconds < 15
    assert "password" in r.err
    assert "k2jd8x" not in r.all


def test_a_password_that_nobody_relies_on_is_a_remark(project, stack_images):
    """The variables count on the first run only: docker compose would call this healthy."""
    db = postgres(volumes=["data:/var/lib/postgresql/data"])
    model = {"services": {"db": db}, "volumes": {"data": {}}}
    project.write(model).up()
    db["environment"]["POSTGRES_PASSWORD"] = "k2jd8x"
    r = project.write(model).up()
    assert "refused" in r.all and "k2jd8x" not in r.all


def test_postgres_missing_database_fails_at_once(project, stack_images):
    db = postgres(**{"x-fettle": {"ready": {"postgres": {"database": "elsewhere"}}}})
    r = project.write(stack(healthy("db"), db=db)).up(code=None)
    assert r.code != 0 and r.seconds < 20
    assert "elsewhere" in r.err


def test_postgres_waits_for_its_tables(project, stack_images):
    """The table comes from a script that runs late; the dependent must not start before it."""
    (project.dir / "late.sh").write_text(
        "sleep 1\npsql -U postgres -d app -c 'CREATE TABLE late (id int)'\n", encoding="utf-8")
    db = postgres(volumes=["./late.sh:/docker-entrypoint-initdb.d/late.sh:ro"],
                  **{"x-fettle": {"ready": {"postgres": {"database": "app", "tables": ["late"]}}}})
    project.write(stack(healthy("db"), db=db)).up()
    project.run("exec", "-T", "db", "psql", "-U", "postgres", "-d", "app", "-c", "SELECT * FROM late")


def test_redis_with_a_password(project, stack_images):
    cache = {"image": "vru/redis:7", "command": ["redis-server", "--requirepass", "pw"],
             "healthcheck": {"test": ["CMD-SHELL", "redis-cli -a pw ping | grep PONG"],
                             "interval": "10s"}}
    r = project.write(stack(healthy("cache"), cache=cache)).up()
    assert r.seconds < 8


@pytest.mark.parametrize("attempt", range(RACES))
def test_first_run_of_postgres_never_releases_too_early(project, stack_images, attempt):
    """The dependent tries once, over the network, and dies if that fails. `SELECT` needs the final
    server: the temporary one of the first run does not listen there."""
    app = {"image": "vru/postgres:15", "depends_on": healthy("db"),
           "environment": {"PGPASSWORD": "right"}, "restart": "no",
           "entrypoint": ["sh", "-c", "psql -h db -U postgres -d app -c 'SELECT 1' && exec sleep 600"]}
    model = {"services": {"db": postgres(), "app": app}}
    project.write(model).up()
    begin = time.monotonic()
    wait_for("the dependent's query ended", lambda: "(1 row)" in project.run("logs", "app").out)
    assert time.monotonic() - begin < 10
    assert project.container("app")["State"]["Running"]
    assert project.container("app")["RestartCount"] == 0


def test_a_file_in_the_container(project):
    """/etc/hostname is on the host too, and proves nothing; what counts is in the container."""
    project.write(stack(healthy("api"), api={
        "entrypoint": ["sh", "-c", "sleep 0.7; touch /run-ready; exec tiny pause"],
        "x-fettle": {"ready": {"file": "/run-ready"}}}))
    r = project.up()
    assert "/run-ready exists" in r.err and r.seconds > 0.7
    project.run("down", "-t", "1")
    project.write(stack(healthy("api"), api={
        "x-fettle": {"ready": {"file": __file__, "timeout": "1s"}}}))
    assert "does not exist" in project.up(code=5).err


def test_what_dies_at_once_is_not_ready(project):
    project.write({"services": {"app": {"image": TINY, "command": ["exit", "3", "20"]}}})
    r = project.up(code=1)
    assert "exited with 3" in r.err


def test_a_stopped_start_is_not_called_ready(project):
    project.write(stack(healthy("api"), api={
        "command": ["flaky", "8080", "600000"], "healthcheck": {"test": WGET, "interval": "1s"}}))
    p = project.start_process("up", "-d")
    while "proving" not in p.stderr.readline():
        pass
    p.send_signal(signal.SIGINT)
    r = project.finish(p, 20)
    assert r.code == 130 and "ready in" not in r.err


def test_problems_of_the_file_come_before_anything_is_made(project):
    project.write({"services": {"app": {"image": TINY, "depends_on": ["nobody"], "prots": ["80"]}}})
    r = project.up(code=3)
    assert "nobody" in r.err and "prots" in r.err and "compose.yaml:" in r.err
    project.assert_gone()


def test_setup_makes_secrets(project):
    project.write((ROOT / "examples/vru/.env.example").read_text(encoding="utf-8"), ".env.example")
    project.write({"services": {"app": {"image": TINY, "environment": {
        "KEY": "${AIVALIDATION_SECRET_KEY:?}", "PASSWORD": "${POSTGRES_PASSWORD:?}"}}}})
    project.run("setup")
    env = project.dir / ".env"
    assert env.stat().st_mode & 0o777 == 0o600
    values = dict(line.split("=", 1) for line in env.read_text(encoding="utf-8").splitlines()
                  if "=" in line and not line.startswith("#"))
    assert len(values["AIVALIDATION_SECRET_KEY"]) >= 32
    assert "your-secure-key" not in values["AIVALIDATION_SECRET_KEY"]
    assert values["POSTGRES_PASSWORD"] != "secure_database_password"
    before = env.read_text(encoding="utf-8")
    project.run("setup")
    assert env.read_text(encoding="utf-8") == before
