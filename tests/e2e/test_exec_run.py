"""exec and run: commands in containers, over plain streams and with a terminal."""
import fcntl
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import termios
import threading
import time

import pytest

from conftest import SANITIZER_EXIT, wait_for

TINY = "fettle-test/tiny:1"
WGET = ["CMD", "wget", "-qO", "/dev/null", "http://127.0.0.1:8080/"]


def stack(**changes):
    model = {"services": {
        "db": {"image": TINY, "command": ["flaky", "8080", "300"],
               "healthcheck": {"test": WGET, "interval": "30s", "start_period": "60s"}},
        "web": {"image": TINY, "entrypoint": ["sh", "-c"], "command": ["exec tiny pause"],
                "environment": {"COLOUR": "green"}, "ports": ["127.0.0.1::8080"],
                "depends_on": {"db": {"condition": "service_healthy"}}}}}
    for service, change in changes.items():
        model["services"].setdefault(service, {"image": TINY}).update(change)
    return model


class Terminal:
    """The program on a pseudo-terminal."""

    def __init__(self, project, *args, rows=33, columns=111):
        self.leader, follower = pty.openpty()
        self.size(rows, columns)
        self.before = termios.tcgetattr(follower)
        self.process = subprocess.Popen([project.binary, *args], cwd=project.dir, env=project.env,
                                        stdin=follower, stdout=follower, stderr=follower,
                                        start_new_session=True, preexec_fn=self.control)
        self.follower, self.said = follower, ""

    @staticmethod
    def control():
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def size(self, rows, columns):
        fcntl.ioctl(self.leader, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self):
        while select.select([self.leader], [], [], 0.02)[0]:
            self.said += os.read(self.leader, 4096).decode(errors="replace")
        return self.said

    def expect(self, text):
        wait_for(f"{text!r} on the terminal, which has {self.said!r}", lambda: text in self.read())

    def type(self, text):
        os.write(self.leader, text.encode())

    def end(self):
        wait_for("the program ended", lambda: (self.read(), self.process.poll())[1] is not None)
        assert self.process.returncode != SANITIZER_EXIT, self.said
        after = termios.tcgetattr(self.follower)
        os.close(self.leader)
        os.close(self.follower)
        assert after == self.before, "the terminal is not as it was"
        return self.process.returncode


class Between:
    """Sits between the program and the engine, which then says some things later than it could."""
    RUNNING = b'{"Running":true,"ExitCode":null}'

    def __init__(self, project):
        self.upstream = os.environ["DOCKER_HOST"].removeprefix("unix://")
        self.asked = 0
        path = str(project.dir / "between.sock")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(16)
        project.env["DOCKER_HOST"] = f"unix://{path}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with client, socket.socket(socket.AF_UNIX) as engine:
            engine.connect(self.upstream)
            held, open_ends = None, [client, engine]
            while True:
                ready = select.select(open_ends, [], [])[0]
                if client in ready:
                    data = client.recv(65536)
                    if not data:  # a half close: the engine may still have something to say
                        open_ends.remove(client)
                        engine.shutdown(socket.SHUT_WR)
                        continue
                    if re.match(rb"GET /\S*/exec/\w+/json", data):
                        self.asked += 1
                        if self.asked < 4:
                            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                                           b"Content-Length: %d\r\n\r\n%s" %
                                           (len(self.RUNNING), self.RUNNING))
                            continue
                    held = b"" if re.match(rb"POST /\S*/wait", data) else None
                    engine.sendall(data)
                if engine in ready:
                    data = engine.recv(65536)
                    if not data:
                        return
                    if held is not None:  # the head only together with what it is about
                        held += data
                        if b"StatusCode" not in held:
                            continue
                        data, held = held, None
                    client.sendall(data)


def one_off(project):
    return [c for c in project.engine.containers(project.name).values()
            if c["Config"]["Labels"]["com.docker.compose.oneoff"] == "True"]


# --- exec ---

@pytest.fixture
def running(project):
    return project.write({"services": {"web": stack()["services"]["db"]}}) and project.up() and project


def test_exec_passes_streams_and_status(running):
    r = running.run("exec", "-T", "web", "sh", "-c", "echo out; echo err >&2; exit 7", code=7)
    assert (r.out, r.err) == ("out\n", "err\n")
    big = "".join(f"{i:07}\n" for i in range(1 << 17))
    assert running.run("exec", "-T", "web", "cat", stdin=big).out == big
    assert running.run("exec", "-T", "web", "wc", "-c", stdin=big).out.strip() == str(len(big))


def test_exec_options(running):
    running.env["GIVEN"] = "ours"
    r = running.run("exec", "-T", "-e", "A=1", "-e", "GIVEN", "-w", "/tmp", "-u", "nobody", "web",
                    "sh", "-c", "echo $A $GIVEN; pwd; id -un")
    assert r.out.split() == ["1", "ours", "/tmp", "nobody"]
    running.run("exec", "-d", "web", "touch", "/tmp/done")
    wait_for("the detached command", lambda: running.run("exec", "-T", "web", "test", "-e",
                                                         "/tmp/done", code=None).code == 0)


def test_exec_environment_is_the_projects(running, tmp_path_factory):
    running.env.update(BOTH="ours", OURS="ours")
    (running.dir / ".env").write_text("IN_FILE=file\nBOTH=file\n", encoding="utf-8")
    options = [word for key in ("IN_FILE", "BOTH", "OURS", "PATH_OF_NOBODY", "EMPTY=")
               for word in ("-e", key)]
    r = running.run("exec", "-T", *options, "web", "sh", "-c",
                    "echo $IN_FILE $BOTH $OURS ${PATH_OF_NOBODY-unset} ${EMPTY-unset}.")
    assert r.out == "file ours ours unset .\n"
    # Without files there is only our own environment.
    empty = tmp_path_factory.mktemp("empty")
    r = subprocess.run([running.binary, "-p", running.name, "exec", "-T", "-e", "OURS", "-e",
                        "IN_FILE", "web", "sh", "-c", "echo $OURS ${IN_FILE-unset}"], cwd=empty,
                       env=running.env, stdout=subprocess.PIPE, text=True, timeout=60,
                       stdin=subprocess.DEVNULL, check=True)
    assert r.stdout == "ours unset\n"


@pytest.mark.parametrize("command", ["/no/such", "nosuch", "/etc"])
def test_exec_of_what_cannot_run(running, command):
    r = running.run("exec", "-T", "web", command, code=None)
    assert r.code in (126, 127)
    assert r.out == "" and command in r.err and "cannot be run" in r.err
    assert "OCI runtime" not in r.err and "unknown" not in r.err


def test_exec_of_what_only_sounds_so(running):
    text = "OCI runtime exec failed: not really"
    assert running.run("exec", "-T", "web", "echo", text).out == text + "\n"
    r = running.run("exec", "-T", "web", "sh", "-c", f"echo {text}; sleep 0.1; echo more; exit 127",
                    code=127)
    assert (r.out, r.err) == (text + "\nmore\n", "")


def test_exec_asks_again_while_it_runs(running):
    between = Between(running)
    running.run("exec", "-T", "web", "sh", "-c", "exit 9", code=9)
    assert between.asked == 4


def test_exec_into_a_closed_pipe(running):
    p = running.start_process("exec", "-T", "web", "yes")
    assert p.stdout.readline() == "y\n"
    p.stdout.close()
    assert p.wait(20) == 141
    assert p.stderr.read() == ""


def test_exec_interrupted_while_nobody_reads(running):
    p = running.start_process("exec", "-T", "web", "yes")
    assert p.stdout.readline() == "y\n"
    time.sleep(0.5)  # the pipe is full by then
    p.send_signal(signal.SIGINT)
    assert p.wait(10) == 130


def test_exec_slow_reader_gets_all(running):
    p = running.start_process("exec", "-T", "web", "sh", "-c",
                              "i=0; while [ $i -lt 3000 ]; do echo $i; i=$((i+1)); done; "
                              "head -c 3000000 /dev/zero; echo err >&2; exit 6")
    time.sleep(1.5)
    out, err = p.communicate(timeout=60)
    assert p.returncode == 6 and err == "err\n"
    assert out == "".join(f"{i}\n" for i in range(3000)) + "\0" * 3000000


def test_exec_into_a_file_and_a_terminal(running):
    with open(running.dir / "out", "wb") as f:
        p = subprocess.run([running.binary, "exec", "-T", "web", "sh", "-c",
                            "head -c 2000000 /dev/zero; echo err >&2"], cwd=running.dir,
                           env=running.env, stdin=subprocess.DEVNULL, stdout=f, stderr=f,
                           timeout=60, check=False)
    assert p.returncode == 0
    assert sorted((running.dir / "out").read_bytes().split(b"\0")) == [b""] * 2000000 + [b"err\n"]
    full = subprocess.run([running.binary, "exec", "-T", "web", "echo", "x"], cwd=running.dir,
                          env=running.env, stdin=subprocess.DEVNULL, timeout=60, check=False,
                          stdout=os.open("/dev/full", os.O_WRONLY), stderr=subprocess.PIPE)
    assert full.returncode == 1 and b"standard output" in full.stderr


def test_exec_says_what_is_wrong(running):
    assert "did you mean web" in running.run("exec", "-T", "wep", "true", code=1).err
    running.run("stop", "-t", "1")
    r = running.run("exec", "-T", "web", "true", code=1)
    assert "is not running" in r.err and "up -d web" in r.err


def test_exec_index(project):
    project.write({"services": {"web": {"image": TINY, "scale": 2}}}).up()
    ids = project.ids()["web"]
    for number in (1, 2):
        out = project.run("exec", "-T", "--index", str(number), "web", "hostname").out.strip()
        assert ids[number].startswith(out)
    assert "container #3" in project.run("exec", "-T", "--index", "3", "web", "true", code=1).err


def test_exec_takes_one_that_runs(project):
    project.write({"services": {"web": {"image": TINY, "scale": 2}}}).up()
    ids = project.ids()["web"]
    project.engine.call("POST", f"/containers/{ids[1]}/stop?t=1")
    out = project.run("exec", "-T", "web", "hostname").out.strip()
    assert ids[2].startswith(out)
    assert "is not running" in project.run("exec", "-T", "--index", "1", "web", "true", code=1).err


def test_exec_with_a_terminal(running):
    t = Terminal(running, "exec", "web", "sh")
    t.type("stty size\n")
    t.expect("33 111")
    t.size(20, 70)
    t.process.send_signal(signal.SIGWINCH)
    wait_for("the new size", lambda: (t.type("stty size\n"), t.expect("size"), "20 70" in t.read())[2])
    t.type("\x03")  # Ctrl-C is the remote side's
    t.type("exit 5\n")
    assert t.end() == 5


@pytest.mark.parametrize("sent", ["TERM", "HUP", "QUIT", "ABRT", "SEGV"])
def test_exec_restores_the_terminal_when_killed(running, sent):
    number = getattr(signal, f"SIG{sent}")
    # Else the sanitizer's handlers would end the program their own way.
    running.env["ASAN_OPTIONS"] += ":handle_segv=0:handle_abort=0"
    t = Terminal(running, "exec", "web", "sh")
    t.type("echo re''ady\n")
    t.expect("ready")
    t.process.send_signal(number)
    assert t.end() == (130 if sent == "TERM" else -number)


# --- run ---

def test_run_proves_dependencies_first(project):
    project.write(stack())
    r = project.run("run", "--rm", "-T", "web", "wget -qO- http://db:8080/ >/dev/null && echo $COLOUR")
    assert r.out == "green\n"
    assert set(project.states()) == {"db"}
    assert one_off(project) == []


def test_run_status_and_streams(project):
    project.write(stack())
    r = project.run("run", "--no-deps", "--rm", "-T", "web", "echo out; echo err >&2; exit 9", code=9)
    assert r.out == "out\n" and "err\n" in r.err
    big = "".join(f"{i:07}\n" for i in range(1 << 16))
    r = project.run("run", "--no-deps", "--rm", "-T", "--entrypoint", "cat", "web", stdin=big)
    assert r.out == big
    assert project.states() == {}


def test_run_options(project):
    project.write(stack())
    (project.dir / "some.env").write_text("FROM_FILE=f\n", encoding="utf-8")
    (project.dir / "here").mkdir()
    (project.dir / "here/file").write_text("mounted\n", encoding="utf-8")
    r = project.run("run", "--no-deps", "-T", "--name", f"{project.name}-once", "-e", "A=1",
                    "--env-from-file", "some.env", "-l", "mark=yes", "-v", "./here:/mnt:ro", "-u",
                    "nobody", "-w", "/tmp", "-p", "127.0.0.1::80", "--cap-add", "SYS_TIME", "web",
                    "echo $A $FROM_FILE $COLOUR; pwd; id -un; cat /mnt/file")
    assert r.out.split() == ["1", "f", "green", "/tmp", "nobody", "mounted"]
    c, = one_off(project)
    assert c["Name"] == f"/{project.name}-once"
    assert c["Config"]["Labels"]["mark"] == "yes"
    assert list(c["HostConfig"]["PortBindings"]) == ["80/tcp"]
    assert c["HostConfig"]["CapAdd"] in (["SYS_TIME"], ["CAP_SYS_TIME"])
    assert c["HostConfig"]["RestartPolicy"]["Name"] in ("", "no")


def test_run_detached(project):
    project.write(stack())
    out = project.run("run", "-d", "--no-deps", "--service-ports", "web").out.strip()
    c, = one_off(project)
    assert c["Id"] == out and c["State"]["Running"]
    assert list(c["HostConfig"]["PortBindings"]) == ["8080/tcp"]
    project.run("down", "-t", "1", "--remove-orphans")
    project.assert_gone()


def test_run_with_a_terminal(project):
    project.write(stack())
    t = Terminal(project, "run", "--rm", "--no-deps", "--entrypoint", "sh", "web")
    t.type("stty size; echo re''ady\n")
    t.expect("ready")
    wait_for("the size", lambda: (t.type("stty size\n"), "33 111" in t.read())[1])
    t.type("exit 4\n")
    assert t.end() == 4


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_run_passes_signals_on(project, sent):
    name = "INT" if sent == signal.SIGINT else "TERM"
    project.write(stack())
    p = project.start_process("run", "--rm", "--no-deps", "-T", "web",
                              f"trap 'echo got {name}; exit 3' {name}; echo ready; "
                              "while :; do sleep 0.05; done")
    assert p.stdout.readline() == "ready\n"
    p.send_signal(sent)
    r = project.finish(p)
    assert r.code == 3 and f"got {name}" in r.out
    wait_for("it is removed", lambda: one_off(project) == [])


def test_run_killed_by_force(project):
    project.write(stack())
    p = project.start_process("run", "--rm", "--no-deps", "-T", "--entrypoint", "sh", "web", "-c",
                              "trap '' INT TERM; echo ready; while :; do sleep 0.05; done")
    assert p.stdout.readline() == "ready\n"
    begin = time.monotonic()
    for _ in range(3):
        p.send_signal(signal.SIGINT)
        time.sleep(0.2)  # three interrupts of a person, not one
    r = project.finish(p, 20)
    assert r.code == 137 and time.monotonic() - begin < 9


@pytest.mark.parametrize("options", [["--rm", "-T"], ["-T"], ["-d"]])
def test_run_that_cannot_start_leaves_nothing(project, options):
    project.write(stack())
    for _ in range(3):
        r = project.run("run", *options, "--no-deps", "--entrypoint", "/no/such", "web", code=1)
        assert "/no/such" in r.err and "starting" in r.err and r.out == ""
        wait_for("it is removed", lambda: one_off(project) == [])


def test_run_where_a_wait_is_answered_late(project):
    project.write(stack())
    Between(project)
    r = project.run("run", "--rm", "--no-deps", "-T", "web", "echo out; exit 9", code=9)
    assert r.out == "out\n" and r.seconds < 5


def test_run_into_a_closed_pipe(project):
    project.write(stack(web={"stop_grace_period": "1s"}))
    p = project.start_process("run", "--rm", "--no-deps", "-T", "--entrypoint", "yes", "web")
    assert p.stdout.readline() == "y\n"
    p.stdout.close()
    assert p.wait(20) == 137
    wait_for("it is removed", lambda: one_off(project) == [])


def test_run_interrupted_while_nobody_reads(project):
    project.write(stack())
    p = project.start_process("run", "--rm", "--no-deps", "-T", "web",
                              "trap 'exit 3' INT; while :; do echo yes; done")
    assert p.stdout.readline() == "yes\n"
    time.sleep(0.5)  # the pipe is full by then
    for _ in range(3):
        p.send_signal(signal.SIGINT)
        time.sleep(0.3)
    assert p.wait(20) in (3, 137)
    wait_for("it is removed", lambda: one_off(project) == [])


def test_run_removes_orphans_when_told(project):
    project.write(stack(old={})).up("--no-deps", "old")
    project.write(stack())
    project.run("run", "--rm", "--no-deps", "-T", "web", "true")
    assert set(project.states()) == {"old"}
    project.env["COMPOSE_REMOVE_ORPHANS"] = "1"
    project.run("run", "--rm", "--no-deps", "-T", "web", "true")
    assert project.states() == {}


def test_run_wrong_options(project):
    project.write(stack())
    r = project.run("run", "-P", "-p", "80:80", "web", code=2)
    assert "--service-ports and --publish are incompatible" in r.err
    assert "PORT" in project.run("run", "-p", "a:b", "web", code=2).err.upper()


def test_run_is_composes(project, compose):
    """The same container as docker compose's, but for name, slug and hash."""
    project.write(stack())
    project.run("run", "--no-deps", "-T", "web", "true")
    ours, = one_off(project)
    project.engine.clean(project.name, volumes=True)
    subprocess.run([compose, "run", "--no-deps", "-T", "web", "true"], cwd=project.dir,
                   env=project.env, check=True, stdin=subprocess.DEVNULL, timeout=60,
                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    theirs, = one_off(project)
    for c in (ours, theirs):
        slug = c["Config"]["Labels"].pop("com.docker.compose.slug")
        # Theirs is of the service as run changed it; nothing compares it.
        assert len(c["Config"]["Labels"].pop("com.docker.compose.config-hash")) == 64
        assert len(slug) == 64 and c["Name"] == f"/{project.name}-web-run-{slug[:12]}"
    assert ours["Config"]["Labels"] == theirs["Config"]["Labels"]
    for key in ("Cmd", "Entrypoint", "Env", "OpenStdin", "StdinOnce", "AttachStdin", "Tty"):
        assert ours["Config"][key] == theirs["Config"][key], key
    for key in ("PortBindings", "RestartPolicy", "NetworkMode", "AutoRemove"):
        assert (ours["HostConfig"][key] or None) == (theirs["HostConfig"][key] or None), key
