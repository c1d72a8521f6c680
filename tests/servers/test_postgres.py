"""A real PostgreSQL in each authentication method, with and without TLS, and in broken states."""
import glob
import os
import shutil
import subprocess

import pytest

from conftest import as_user, find_tool, free_port, probe, skip_or_fail, stop, wait_ready

HBA = """
local     all  all      trust
host      all  trusted  127.0.0.1/32  trust
host      all  clear    127.0.0.1/32  password
host      all  hashed   127.0.0.1/32  md5
host      all  scram    127.0.0.1/32  scram-sha-256
host      all  limited  127.0.0.1/32  trust
host      all  shut     127.0.0.1/32  trust
host      all  ghost    127.0.0.1/32  trust
hostssl   all  tlsonly  127.0.0.1/32  scram-sha-256
hostssl   all  postgres 127.0.0.1/32  trust
"""
SQL = """
CREATE ROLE trusted LOGIN;
CREATE ROLE clear LOGIN PASSWORD 'pa ss@:/';
SET password_encryption = 'md5';
CREATE ROLE hashed LOGIN PASSWORD 'pencil';
SET password_encryption = 'scram-sha-256';
CREATE ROLE scram LOGIN PASSWORD 'pencil';
CREATE ROLE tlsonly LOGIN PASSWORD 'p\u00e4ssw\u00f6rd';
CREATE ROLE limited LOGIN CONNECTION LIMIT 0;
CREATE ROLE shut LOGIN;
CREATE DATABASE shop OWNER trusted;
CREATE DATABASE closed;
REVOKE CONNECT ON DATABASE closed FROM PUBLIC;
\\connect shop
CREATE TABLE users (id int);
CREATE SCHEMA own CREATE TABLE "Odd 'name" (id int);
GRANT USAGE ON SCHEMA own TO PUBLIC;
"""


class Server:
    def __init__(self, base, bin_dir):
        self.base, self.bin, self.port = base, bin_dir, free_port()
        self.data, self.user = base / "pg", as_user("postgres")
        self.process = None

    def run(self, tool, *args, **kw):
        subprocess.run([*self.user, f"{self.bin}/{tool}", *args], check=True, cwd=self.data,
                       capture_output=True, **kw)

    def create(self, certificates):
        self.data.mkdir()
        if self.user:
            shutil.chown(self.data, "postgres", "postgres")
        self.run("initdb", "-D", str(self.data), "-A", "trust", "-U", "postgres", "-N",
                 "--locale=C.UTF-8")
        for name in ("server.key", "server.pem"):
            shutil.copy(certificates / name, self.data / name)
            (self.data / name).chmod(0o600)
            if self.user:
                shutil.chown(self.data / name, "postgres", "postgres")
        (self.data / "pg_hba.conf").write_text(HBA)

    def start(self):
        self.process = subprocess.Popen(
            [*self.user, f"{self.bin}/postgres", "-D", str(self.data), "-p", str(self.port),
             "-k", str(self.data), "-h", "127.0.0.1", "-c", "fsync=off", "-c", "ssl=on",
             "-c", "ssl_cert_file=server.pem", "-c", "ssl_key_file=server.key"],
            cwd=self.data, stdout=subprocess.DEVNULL, stderr=open(self.base / "pg.log", "a"))

    def url(self, user, password="", database="shop", query="", host="127.0.0.1"):
        login = f"{user}:{password}" if password else user
        return f"postgres://{login}@{host}:{self.port}/{database}{query}"


@pytest.fixture(scope="module")
def pg(base, certificates):
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
    if not found and not find_tool("initdb"):
        skip_or_fail("PostgreSQL is not installed (apt-get install postgresql)")
    server = Server(base, found[-1] if found else os.path.dirname(find_tool("initdb")))
    server.create(certificates)
    server.start()
    try:
        wait_ready(f"host={server.data} port={server.port} user=postgres dbname=postgres",
                   server.process)
        server.run("psql", "-h", str(server.data), "-p", str(server.port), "-U", "postgres", "-v",
                   "ON_ERROR_STOP=1", "-q", input=SQL.encode())
        yield server
    finally:
        stop(server.process)


PASSWORDS = {"trusted": "", "clear": "pa%20ss%40%3A%2F", "hashed": "pencil", "scram": "pencil",
             "tlsonly": "p%C3%A4ssw%C3%B6rd"}


@pytest.mark.parametrize("user", PASSWORDS)
@pytest.mark.parametrize("query", ["", "?sslmode=require"])
def test_login(pg, user, query):
    # tlsonly without sslmode: refused by pg_hba.conf, then tried again with TLS
    got = probe(pg.url(user, PASSWORDS[user], query=query))
    assert got.verdict == "ready", got
    assert got.text.startswith("PostgreSQL 1") and f"login as {user} to shop, SELECT 1" in got.text


@pytest.mark.parametrize("user", ["clear", "hashed", "scram", "tlsonly"])
def test_wrong_password(pg, user):
    got = probe(pg.url(user, "Wr0ng"))
    assert (got.verdict, got.code, got.layer) == ("never", "28P01", "auth")
    assert f'password authentication failed for user "{user}"' in got.text
    assert "Wr0ng" not in got.text


@pytest.mark.parametrize("user", ["clear", "hashed", "scram"])
def test_password_missing(pg, user):
    got = probe(pg.url(user))
    assert (got.verdict, got.code) == ("never", "no-password")


@pytest.mark.parametrize("url, verdict, code, words", [
    (("trusted", "", "nothing"), "never", "3D000", 'database "nothing" does not exist'),
    (("ghost",), "never", "28000", 'role "ghost" does not exist'),
    (("stranger", "x"), "never", "28000", "no pg_hba.conf entry"),
    (("limited",), "not yet", "53300", "too many connections"),
    (("shut", "", "closed"), "never", "42501", "permission denied for database"),
])
def test_refused(pg, url, verdict, code, words):
    got = probe(pg.url(*url))
    assert (got.verdict, got.code) == (verdict, code), got
    assert words in got.text


def test_tables(pg):
    got = probe(pg.url("trusted", query="?tables=users"))
    assert (got.verdict, got.text.split(", ", 2)[2]) == ("ready", "tables users found")
    got = probe(pg.url("trusted", query="?tables=users,own.%22Odd%20%27name%22,videos"))
    assert (got.verdict, got.code) == ("not yet", "42P01")
    assert "no table videos yet" in got.text
    got = probe(pg.url("trusted", query="?tables=a..b..c"))
    assert got.verdict != "ready"


def test_query(pg):
    got = probe(pg.url("trusted", query="?query=select%20count(*)%20from%20users"))
    assert (got.verdict, got.code) == ("never", "42501")
    got = probe(pg.url("postgres", query="?query=select%201,2%20from%20users"))
    assert got.verdict == "ready" and "the query works" in got.text, got
    got = probe(pg.url("trusted", query="?query=select%20*%20from%20absent"))
    assert (got.verdict, got.code) == ("not yet", "42P01")
    assert probe(pg.url("trusted", query="?query=selec")).code == "42601"
    assert probe(pg.url("trusted", query="?query=copy%20pg_class%20to%20stdout")).code == "query"


def test_certificates(pg, certificates):
    full = f"?sslmode=verify-full&sslrootcert={certificates}"
    got = probe(pg.url("scram", "pencil", query=f"{full}/ca.pem", host="localhost"))
    assert got.verdict == "ready", got
    got = probe(pg.url("scram", "pencil", query=f"{full}/other.pem", host="localhost"))
    assert (got.verdict, got.layer) == ("never", "tls")
    got = probe(pg.url("scram", "pencil", query=f"{full}/ca.pem", host="127.0.0.1"))
    assert (got.verdict, got.layer) == ("never", "tls"), "the certificate is for localhost"
    ca = f"?sslmode=verify-ca&sslrootcert={certificates}/ca.pem"
    assert probe(pg.url("scram", "pencil", query=ca)).verdict == "ready"


def test_socket(pg):
    assert probe(f"host={pg.data} port={pg.port} user=scram dbname=shop").verdict == "ready"
    got = probe(f"host={pg.data} port={pg.port + 1 if pg.port < 65535 else 1} user=scram")
    assert (got.verdict, got.code) == ("not yet", "no-socket")


def test_other_protocols(pg):
    got = probe(f"redis://127.0.0.1:{pg.port}")
    assert got.verdict != "ready"
    got = probe(f"http://127.0.0.1:{pg.port}/")
    assert got.verdict != "ready"
    assert probe(f"tcp://127.0.0.1:{pg.port}").verdict == "ready"


def test_restart(pg):
    """Down, crashed and coming back: never a word that would give up, then ready."""
    url = pg.url("scram", "pencil")
    stop(pg.process, signal=3)  # SIGQUIT: the next start has to recover
    got = probe(url)
    assert (got.verdict, got.code) == ("not yet", "refused")
    pg.start()
    seen = wait_ready(url, pg.process)
    assert {o.verdict for o in seen} <= {"not yet", "ready"}
    assert {o.code for o in seen} <= {"", "refused", "57P03", "reset", "closed"}, seen
