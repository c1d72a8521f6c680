"""The limit: the fastest that a stack can be brought up through this engine.

It takes a stack as `docker compose config --format json` prints it and talks to the engine itself:
network first, then one thread a service. Each creates its container at once, starts it the moment
all that it depends on has answered, and probes it every 5 ms at its own address: PostgreSQL by a
SCRAM login and SELECT 1, Redis by AUTH and PING, HTTP by a GET. A service without a health check
counts as soon as the engine's start call returns.
"""
import base64
import hashlib
import hmac
import ipaddress
import os
import re
import socket
import struct
import threading
import time
from urllib.parse import urlsplit

from common import in_parallel

STEP = 0.005
GIVE_UP = 60


def _message(f):
    head = f.read(5)
    if len(head) < 5:
        raise OSError("closed")
    return head[:1], f.read(struct.unpack(">I", head[1:])[0] - 4)


def _send(s, kind, body):
    s.sendall(kind + struct.pack(">I", len(body) + 4) + body)


def _scram(s, f, password):
    nonce = base64.b64encode(os.urandom(18)).decode()
    first = "n=,r=" + nonce
    _send(s, b"p", b"SCRAM-SHA-256\0" + struct.pack(">I", len(first) + 3) + b"n,," + first.encode())
    kind, body = _message(f)
    if kind != b"R":
        raise OSError("refused")
    server = body[4:].decode()
    said = dict(part.split("=", 1) for part in server.split(","))
    key = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(said["s"]), int(said["i"]))
    client = hmac.digest(key, b"Client Key", "sha256")
    last = "c=biws,r=" + said["r"]
    signed = hmac.digest(hashlib.sha256(client).digest(), f"{first},{server},{last}".encode(), "sha256")
    proof = base64.b64encode(bytes(a ^ b for a, b in zip(client, signed))).decode()
    _send(s, b"p", f"{last},p={proof}".encode())


def _until_ready(f):
    rows = []
    while True:
        kind, body = _message(f)
        if kind == b"E":
            raise OSError("server error")
        if kind == b"D":
            rows.append(body[6:])
        if kind == b"Z":
            return rows


def probe_postgres(address, env):
    with socket.create_connection((address, 5432), 0.5) as s:
        f = s.makefile("rb")
        body = struct.pack(">I", 196608)
        for name, value in (("user", env["POSTGRES_USER"]), ("database", env["POSTGRES_DB"])):
            body += name.encode() + b"\0" + value.encode() + b"\0"
        _send(s, b"", body + b"\0")
        kind, body = _message(f)
        if kind != b"R" or struct.unpack(">I", body[:4])[0] != 10:
            raise OSError("not SCRAM")
        _scram(s, f, env["POSTGRES_PASSWORD"])
        _until_ready(f)
        _send(s, b"Q", b"SELECT 1\0")
        if _until_ready(f) != [b"1"]:
            raise OSError("wrong row")
        _send(s, b"X", b"")


def probe_redis(address, command):
    password = command[command.index("--requirepass") + 1]
    with socket.create_connection((address, 6379), 0.5) as s:
        s.sendall(f"AUTH {password}\r\nPING\r\n".encode())
        got = b""
        while got.count(b"\r\n") < 2:
            more = s.recv(100)
            if not more:
                raise OSError("closed")
            got += more
        if got != b"+OK\r\n+PONG\r\n":
            raise OSError("refused")


def probe_http(address, url):
    u = urlsplit(url)
    with socket.create_connection((address, u.port or 80), 0.5) as s:
        s.sendall(f"GET {u.path or '/'} HTTP/1.0\r\nHost: x\r\n\r\n".encode())
        if b" 200 " not in s.recv(100).split(b"\r\n")[0]:
            raise OSError("status")


def prober(service):
    """What has to answer before dependents of this service may start; None: nothing."""
    test = " ".join(service.get("healthcheck", {}).get("test", []))
    if "pg_isready" in test:
        return lambda address: probe_postgres(address, service["environment"])
    if "redis-cli" in test:
        return lambda address: probe_redis(address, service["command"])
    url = re.search(r"http://\S+", test)
    if url:
        return lambda address: probe_http(address, url.group())
    return None


def nanoseconds(text):
    unit = {"ms": 1e6, "s": 1e9, "m": 60e9, "h": 3600e9}
    return int(sum(float(n) * unit[u] for n, u in re.findall(r"([\d.]+)(ms|s|m|h)", text)))


def body_of(project, name, service, address):
    """The engine's create call for a service: what docker compose asks for, as far as it costs time."""
    network = next(iter(project["networks"].values()))["name"]
    labels = {"com.docker.compose.project": project["name"], "com.docker.compose.service": name}
    host = {"NetworkMode": network, "RestartPolicy": {"Name": service.get("restart", "no")},
            "Binds": [], "PortBindings": {}}
    for v in service.get("volumes", []):
        source = project["volumes"][v["source"]]["name"] if v["type"] == "volume" else v["source"]
        host["Binds"].append(f"{source}:{v['target']}" + (":ro" if v.get("read_only") else ""))
    for p in service.get("ports", []):
        host["PortBindings"][f"{p['target']}/{p['protocol']}"] = [
            {"HostIp": p.get("host_ip", ""), "HostPort": str(p["published"])}]
    body = {"Image": service["image"], "Labels": labels, "HostConfig": host,
            "ExposedPorts": {k: {} for k in host["PortBindings"]},
            "Env": [f"{k}={v}" for k, v in (service.get("environment") or {}).items()],
            "NetworkingConfig": {"EndpointsConfig": {network: {
                "IPAMConfig": {"IPv4Address": address}, "Aliases": [name]}}}}
    if service.get("command"):
        body["Cmd"] = service["command"]
    check = service.get("healthcheck")
    if check:
        body["Healthcheck"] = {"Test": check["test"], "Retries": check.get("retries", 0),
                               **{key: nanoseconds(check.get(name, "0s")) for key, name in (
                                   ("Interval", "interval"), ("Timeout", "timeout"),
                                   ("StartPeriod", "start_period"))}}
    return body


class Limit:
    def __init__(self, engine, project):
        self.engine, self.project = engine, project
        self.services = project["services"]
        network = next(iter(project["networks"].values()))
        self.subnet = ((network.get("ipam") or {}).get("config") or [{"subnet": "172.31.0.0/16"}])[0]["subnet"]
        hosts = ipaddress.ip_network(self.subnet).network_address + 10
        self.address = {name: str(hosts + i) for i, name in enumerate(self.services)}

    def container(self, name):
        return self.services[name].get("container_name") or f"{self.project['name']}-{name}-1"

    def create_around(self):
        label = {"com.docker.compose.project": self.project["name"]}
        for network in self.project["networks"].values():
            self.engine.call("POST", "/networks/create", {
                "Name": network["name"], "Driver": "bridge", "CheckDuplicate": True, "Labels": label,
                "IPAM": {"Config": [{"Subnet": self.subnet}]}})
        for volume in (self.project.get("volumes") or {}).values():
            self.engine.call("POST", "/volumes/create", {"Name": volume["name"], "Labels": label})

    def create(self, name):
        self.engine.call("POST", f"/containers/create?name={self.container(name)}",
                         body_of(self.project, name, self.services[name], self.address[name]))

    def start(self, name):
        self.engine.call("POST", f"/containers/{self.container(name)}/start")

    def ready(self, name):
        probe, end = prober(self.services[name]), time.monotonic() + GIVE_UP
        while probe is not None:
            begin = time.monotonic()
            try:
                probe(self.address[name])
                return
            except OSError as error:
                if begin > end:
                    raise RuntimeError(f"{name} was never ready: {error}") from error
            time.sleep(max(0.0, STEP - (time.monotonic() - begin)))

    def up(self):
        """Seconds from nothing to all services ready, creation included."""
        done = {name: threading.Event() for name in self.services}

        def one(name):
            try:
                self.create(name)
                for dependency in self.services[name].get("depends_on", {}):
                    done[dependency].wait(GIVE_UP)
                self.start(name)
                self.ready(name)
            finally:
                done[name].set()

        begin = time.monotonic()
        self.create_around()
        in_parallel([lambda n=n: one(n) for n in self.services])
        return time.monotonic() - begin

    def bare_starts(self, parallel):
        """Seconds that the engine's start calls take, one after the other in the order of the file or
        all at once; everything was created before."""
        self.create_around()
        in_parallel([lambda n=n: self.create(n) for n in self.services], 8)
        begin = time.monotonic()
        in_parallel([lambda n=n: self.start(n) for n in self.services], None if parallel else 1)
        return time.monotonic() - begin
