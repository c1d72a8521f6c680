"""The engine's API as tests and benchmarks need it: raw calls, and a project's things by its label."""
import http.client
import json
import os
import socket
import threading
import time
from urllib.parse import quote


class Engine:
    """One kept connection a thread to the engine's Unix socket."""

    def __init__(self, host=None):
        host = host or os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
        if not host.startswith("unix://"):
            raise SystemExit(f"an engine on a Unix socket is needed, not {host}")
        self.host, self.path, self.local = host, host[len("unix://"):], threading.local()

    def connection(self):
        c = getattr(self.local, "connection", None)
        if c is None:
            c = http.client.HTTPConnection("localhost")
            c.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            c.sock.settimeout(120)
            c.sock.connect(self.path)
            self.local.connection = c
        return c

    def call(self, method, path, body=None, fine=(200, 201, 204, 304)):
        """The reply as an object; body: JSON, or bytes as they are. A status not in `fine` is raised."""
        kind = "application/x-tar" if isinstance(body, bytes) else "application/json"
        data = body if body is None or isinstance(body, bytes) else json.dumps(body)
        try:
            c = self.connection()
            c.request(method, path, data, {"Content-Type": kind} if data else {})
            reply = c.getresponse()
            raw = reply.read()
        except (OSError, http.client.HTTPException):
            self.local.connection = None
            raise
        if reply.status not in fine:
            raise RuntimeError(f"{method} {path}: {reply.status} {raw[:300].decode(errors='replace')}")
        lines = [line for line in raw.split(b"\n") if line.strip()]
        if "json" not in reply.headers.get("Content-Type", "") or not lines:
            return raw
        return json.loads(raw) if len(lines) == 1 else [json.loads(line) for line in lines]

    def version(self):
        v = self.call("GET", "/version")
        return f"{v.get('Platform', {}).get('Name') or 'engine'} {v['Version']}"

    def has_image(self, name):
        return "Id" in self.call("GET", f"/images/{name}/json", fine=(200, 404))

    @staticmethod
    def _mine(project):
        return "filters=" + quote(json.dumps({"label": [f"com.docker.compose.project={project}"]}))

    def containers(self, project):
        """Inspected containers of a project, running or not, by name."""
        found = self.call("GET", f"/containers/json?all=1&{self._mine(project)}")
        full = [self.call("GET", f"/containers/{c['Id']}/json") for c in found]
        return {c["Name"].lstrip("/"): c for c in full}

    def networks(self, project):
        return {n["Name"]: n for n in self.call("GET", f"/networks?{self._mine(project)}")}

    def volumes(self, project):
        found = self.call("GET", f"/volumes?{self._mine(project)}")["Volumes"] or []
        return {v["Name"]: v for v in found}

    def clean(self, project, volumes):
        """Removes all that carries the project's label, whoever made it. The engine lets go of a
        container's network and volumes a little after the container itself, hence the tries."""
        end = time.monotonic() + 60
        while True:
            found = self.call("GET", f"/containers/json?all=1&{self._mine(project)}")
            left = [f"/containers/{c['Id']}?force=1&v=1" for c in found]
            left = left or [f"/networks/{n['Id']}" for n in self.networks(project).values()]
            if volumes and not left:
                left = [f"/volumes/{name}" for name in self.volumes(project)]
            if not left:
                return
            if time.monotonic() > end:
                raise RuntimeError(f"could not be removed: {left}")
            in_parallel([lambda p=p: self.call("DELETE", p, fine=(204, 403, 404, 409))
                         for p in left], 4)

    def clear(self):
        """Removes every container, and the networks and volumes that then have no use: for an engine
        that is the tests' own, after a run that was cut off or somebody's look around."""
        for c in self.call("GET", "/containers/json?all=1"):
            self.call("DELETE", f"/containers/{c['Id']}?force=1&v=1", fine=(204, 404, 409))
        self.call("POST", "/networks/prune")
        self.call("POST", "/volumes/prune")


def in_parallel(jobs, width=None):
    """Runs the jobs on `width` threads (default: one each); the first failure is raised at the end."""
    todo, failed, lock = list(reversed(jobs)), [], threading.Lock()

    def work():
        while True:
            with lock:
                if not todo:
                    return
                job = todo.pop()
            try:
                job()
            except Exception as error:
                failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(min(width or len(jobs), len(jobs)))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if failed:
        raise failed[0]
