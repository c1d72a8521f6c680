"""Images: built by the engine, from a context that fettle sends."""
import signal
import subprocess

TINY = "fettle-test/tiny:1"
DOCKERFILE = f"""FROM {TINY} AS base
ARG WHO=nobody
COPY . /ctx
RUN ["/bin/sh", "-c", "echo $WHO >/who; find /ctx | sort >/files"]
FROM base AS last
LABEL stage=last
"""


def sh(command):
    return ["/bin/sh", "-c", command]


def service(**build):
    return {"build": {"context": "ctx", **build}, "entrypoint": sh("cat /who /files; exec tiny pause")}


def files(project, dockerfile=DOCKERFILE):
    for name, text in {"Dockerfile": dockerfile, ".dockerignore": "*.o\n!keep.o\nsub/deep\n",
                       "a.o": "", "keep.o": "", "sub/b": "", "sub/deep/c": ""}.items():
        path = project.dir / "ctx" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def image(project, name):
    return project.engine.call("GET", f"/images/{name}/json")


def forget(project, *names):
    for name in names:
        project.engine.call("DELETE", f"/images/{name}?force=1", fine=(200, 404))


def test_what_is_missing_is_built(project):
    files(project)
    project.write({"services": {"app": service(args={"WHO": "me"}, target="last", tags=["e2e-tag:2"],
                                               labels={"mine": "yes"})}})
    name = f"{project.name}-app"
    try:
        project.up()
        assert project.run("logs", "--no-log-prefix", "app").out.split() == [
            "me", "/ctx", "/ctx/.dockerignore", "/ctx/Dockerfile", "/ctx/keep.o", "/ctx/sub",
            "/ctx/sub/b"]
        made = image(project, name)
        assert image(project, "e2e-tag:2")["Id"] == made["Id"]
        labels = made["Config"]["Labels"]
        assert labels["mine"] == "yes" and labels["stage"] == "last"
        assert labels["com.docker.compose.project"] == project.name
        assert labels["com.docker.compose.service"] == "app"
        app = project.container("app")
        assert app["Config"]["Labels"]["com.docker.compose.image"] == made["Id"]
        before = project.ids()
        project.up()  # the image is there: nothing to do
        assert project.ids() == before
        project.run("up", "-d", "--build")  # all of it is in the cache: the same image
        assert project.ids() == before
        (project.dir / "ctx/keep.o").write_text("new", encoding="utf-8")
        project.run("up", "-d", "--build")
        assert project.ids() != before and image(project, name)["Id"] != made["Id"]
    finally:
        project.run("down", "-t", "1", "--rmi", "all", code=None)
        forget(project, name, "e2e-tag:2")


def test_build_options(project):
    files(project)
    project.write({"services": {"app": service(), "other": {"image": TINY},
                                "twin": {**service(), "image": "e2e-twin:1"},
                                "twin2": {**service(), "image": "e2e-twin:1"}}})
    name = f"{project.name}-app"
    try:
        r = project.run("build", "--build-arg", "WHO=told", "app", "other")
        assert "other is skipped" in r.err
        out = project.run("run", "--rm", "-T", "--entrypoint", "cat", "app", "/who").out
        assert out == "told\n"
        r = project.run("build", "twin", "twin2")
        assert r.all.count("step 1/") == 1  # one image, built once
        r = project.run("build", "--no-cache", "-q", "app")
        assert r.all == ""
        assert "nothing" in project.run("build", "other").err.lower() or \
            "No services to build" in project.run("build", "other").err
        assert "buildx" in project.run("build", "--ssh", "default", "app", code=1).err
    finally:
        forget(project, name, "e2e-twin:1")


def test_a_step_that_fails(project):
    files(project, DOCKERFILE + 'RUN ["/bin/sh", "-c", "echo first; echo it broke >&2; exit 4"]\n')
    project.write({"services": {"app": service()}})
    r = project.up(code=1)
    assert "Dockerfile:7:1" in r.err and "it broke" in r.err and "code: 4" in r.err
    assert project.containers() == {}


def test_a_context_that_is_wrong(project):
    project.write({"services": {"app": service()}})
    assert "ctx" in project.up(code=1).err
    files(project, f"FROM {TINY}\nCOPY a.o /\n")
    r = project.up(code=1)
    assert ".dockerignore" in r.err and "Dockerfile:2:1" in r.err
    project.write({"services": {"app": service(secrets=["x"])}, "secrets": {"x": {"file": "x"}}})
    r = project.up(code=1)
    assert "build.secrets" in r.err and "compose.yaml:" in r.err
    inline = f'FROM {TINY}\nCOPY . /ctx\nRUN ["/bin/sh", "-c", "ls -A /ctx; echo red >&2"]\n'
    project.write({"services": {"app": {"build": {"context": "ctx", "dockerfile_inline": inline}}}})
    r = project.up()
    assert "\x1b" not in r.all and "[91m" not in r.all and "red" in r.all
    assert project.run("exec", "-T", "app", "ls", "-A", "/ctx").out.split() == [
        "Dockerfile", "keep.o", "sub"]
    project.run("down", "-t", "1", "--rmi", "local")


def test_a_build_can_be_interrupted(project):
    files(project, f'FROM {TINY}\nRUN ["/bin/sh", "-c", "sleep 60"]\n')
    project.write({"services": {"app": service()}})
    p = project.start_process("build")
    while "step 2/" not in p.stderr.readline():
        pass
    p.send_signal(signal.SIGINT)
    r = project.finish(p, 10)
    assert r.code == 130


def test_what_compose_built_is_left_alone(project, compose):
    files(project)
    project.write({"services": {"app": service()}})
    try:
        subprocess.run([compose, "up", "-d"], cwd=project.dir, check=True, timeout=120,
                       env={**project.env, "DOCKER_BUILDKIT": "0"}, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT)
        before = project.ids()
        project.up()
        assert project.ids() == before
    finally:
        project.run("down", "-t", "1", "--rmi", "local", code=None)
        forget(project, f"{project.name}-app")
