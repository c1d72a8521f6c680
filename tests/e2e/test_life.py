"""A stack's life: up, what is left alone, what is recreated, down."""
import time

TINY = "fettle-test/tiny:1"


def two_services(**changes):
    model = {"services": {
        "db": {"image": TINY, "command": ["tcp", "5000"]},
        "web": {"image": TINY, "command": ["http", "8080"], "depends_on": ["db"]}}}
    for service, change in changes.items():
        model["services"].setdefault(service, {"image": TINY}).update(change)
    return model


def started(container):
    return container["State"]["StartedAt"]


def test_up_starts_in_order_and_down_removes_all(project):
    project.write(two_services())
    project.up()
    assert project.states() == {"db": ["running"], "web": ["running"]}
    assert started(project.container("db")) < started(project.container("web"))
    assert list(project.engine.networks(project.name)) == [f"{project.name}_default"]
    project.run("down", "-t", "2")
    project.assert_gone()


def test_names_and_labels_are_composes(project):
    project.write(two_services()).up()
    web = project.container("web")
    assert web["Name"] == f"/{project.name}-web-1"
    labels = web["Config"]["Labels"]
    assert labels["com.docker.compose.oneoff"] == "False"
    assert labels["com.docker.compose.project.working_dir"] == str(project.dir)
    assert len(labels["com.docker.compose.config-hash"]) == 64
    network = web["NetworkSettings"]["Networks"][f"{project.name}_default"]
    assert "web" in network["Aliases"]


def test_a_second_up_changes_nothing(project):
    project.write(two_services()).up()
    before = {s: started(n[1]) for s, n in project.containers().items()}, project.ids()
    project.up()
    assert ({s: started(n[1]) for s, n in project.containers().items()}, project.ids()) == before


def test_only_what_changed_is_recreated(project):
    project.write(two_services()).up()
    before = project.ids()
    project.write(two_services(web={"environment": {"COLOUR": "green"}})).up()
    after = project.ids()
    assert after["db"] == before["db"]
    assert after["web"] != before["web"]
    assert "COLOUR=green" in project.container("web")["Config"]["Env"]


def test_force_recreate_recreates_all(project):
    project.write(two_services()).up()
    before = project.ids()
    project.up("--force-recreate")
    assert not {i for s in before for i in before[s].values()} & \
        {i for n in project.ids().values() for i in n.values()}


def test_anonymous_volume_survives_a_recreate(project):
    model = two_services(db={"volumes": ["/data"]})
    project.write(model).up()
    project.run("exec", "-T", "db", "touch", "/data/kept")
    project.up("--force-recreate")
    project.run("exec", "-T", "db", "ls", "/data/kept")


def test_orphans_are_named_and_removed_when_asked(project):
    project.write(two_services(old={"command": ["pause"]})).up()
    project.write(two_services())
    assert "old" in project.up().all
    assert "old" in project.states()
    project.up("--remove-orphans")
    assert set(project.states()) == {"db", "web"}


def test_scale_up_and_down(project):
    project.write(two_services(web={"scale": 3})).up()
    assert project.states()["web"] == ["running"] * 3
    project.up("--scale", "web=1")
    assert list(project.ids()["web"]) == [1]


def test_no_deps_starts_the_service_alone(project):
    project.write(two_services()).up("--no-deps", "web")
    assert set(project.states()) == {"web"}


def test_naming_a_service_brings_its_dependencies(project):
    project.write(two_services(other={"command": ["pause"]})).up("web")
    assert set(project.states()) == {"db", "web"}


def test_profiles_are_off_until_asked_for(project):
    project.write(two_services(extra={"command": ["pause"], "profiles": ["more"]})).up()
    assert "extra" not in project.states()
    project.run("--profile", "more", "up", "-d", "--wait")
    assert project.states()["extra"] == ["running"]
    project.run("--profile", "more", "down", "-t", "2")
    project.assert_gone()


def test_named_volumes_stay_unless_asked(project):
    model = two_services(db={"volumes": ["data:/data"]})
    model["volumes"] = {"data": {}}
    project.write(model).up()
    project.run("exec", "-T", "db", "sh", "-c", "echo kept >/data/file")
    project.run("down", "-t", "2")
    assert list(project.engine.volumes(project.name)) == [f"{project.name}_data"]
    project.up()
    assert project.run("exec", "-T", "db", "cat", "/data/file").out.strip() == "kept"
    project.run("down", "-v", "-t", "2")
    project.assert_gone()


def test_stop_start_restart(project):
    project.write(two_services()).up()
    ids = project.ids()
    project.run("stop", "-t", "2")
    assert project.states() == {"db": ["exited"], "web": ["exited"]}
    project.run("start")
    assert project.states() == {"db": ["running"], "web": ["running"]}
    before = started(project.container("db"))
    project.run("restart", "-t", "2", "db")
    assert started(project.container("db")) > before
    assert project.ids() == ids


def test_the_timeline_is_that_of_the_last_start(project):
    project.env["XDG_STATE_HOME"] = str(project.dir / "state")
    project.write(two_services()).up()
    first = project.run("timeline", "--format", "json").json()
    assert any(e["critical"] for e in first["entries"])
    project.up()  # nothing is started
    assert project.run("timeline", "--format", "json").json() == first
    assert "ready in" in project.run("restart", "-t", "1").err
    assert project.run("timeline", "--format", "json").json() != first


def test_start_of_a_stack_that_does_not_exist_creates_it(project):
    project.write(two_services())
    project.run("start")
    assert project.states() == {"db": ["running"], "web": ["running"]}


def test_restart_of_everything_keeps_the_order(project):
    project.write(two_services()).up()
    project.run("restart", "-t", "2")
    assert started(project.container("db")) < started(project.container("web"))


def test_kill_and_rm(project):
    project.write(two_services()).up()
    project.run("kill", "web")
    assert project.states()["web"] == ["exited"]
    project.run("rm", "-f", "web")
    assert set(project.states()) == {"db"}


def test_stop_obeys_signal_and_grace_period(project):
    project.write(two_services(db={"command": ["stubborn"], "stop_signal": "SIGINT",
                                   "stop_grace_period": "30s"})).up()
    begin = time.monotonic()
    project.run("stop", "db")
    assert time.monotonic() - begin < 10
    assert project.container("db")["State"]["ExitCode"] == 0


def test_run_exec_logs_port(project):
    project.write(two_services(web={"ports": ["127.0.0.1::8080"]})).up()
    address = project.run("port", "web", "8080").out.strip()
    assert address.startswith("127.0.0.1:")
    assert project.run("exec", "-T", "web", "sh", "-c", "echo out; exit 7", code=7).out == "out\n"
    assert project.run("exec", "-T", "web", "cat", stdin="through\n").out == "through\n"
    r = project.run("run", "--rm", "-T", "--entrypoint", "sh", "web", "-c", "echo once; exit 3", code=3)
    assert r.out == "once\n"
    assert set(project.states()) == {"db", "web"}
    project.write(two_services(say={"entrypoint": ["sh", "-c", "echo first; echo second; exec tiny"]})).up()
    out = project.run("logs", "--no-color", "say").out
    assert "first" in out and "second" in out
    assert "first" not in project.run("logs", "--no-color", "--tail", "1", "say").out


def test_every_command_of_a_stack_runs(project):
    """One after another on one small stack: what is in no other test is run here at least."""
    project.env["XDG_STATE_HOME"] = str(project.dir / "state")
    project.write(two_services(web={"ports": ["127.0.0.1::8080"]}))
    project.run("create")
    assert project.states() == {"db": ["created"], "web": ["created"]}
    for words in ("start", "pause web", "unpause web", "scale web=2", "scale web=1", "images", "top",
                  "volumes", "ls", "status", "ps -a", "plan", "plan --down", "logs", "timeline",
                  "port web 8080", "config", "config --services", "events --until 0s", "build",
                  "pull --policy missing", "kill -s SIGKILL db", "create --force-recreate", "stop",
                  "rm -f", "version", "completion bash", "man", "help up", "setup", "clean -y"):
        project.run(*words.split())
    project.assert_gone()


def test_ps_and_config_speak_json(project):
    project.write(two_services()).up()
    rows = project.run("ps", "--format", "json").lines()
    assert {r["Service"]: r["State"] for r in rows} == {"db": "running", "web": "running"}
    assert set(project.run("config", "--format", "json").json()["services"]) == {"db", "web"}
    assert project.run("ps", "-q").out.split()


def test_down_finds_the_project_by_its_name_alone(project):
    project.write(two_services()).up()
    (project.dir / "compose.yaml").unlink()
    project.run("-p", project.name, "down", "-t", "2")
    project.assert_gone()
