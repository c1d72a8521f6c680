"""A real MariaDB: native logins, TLS, tables, and broken states."""
import shutil
import subprocess

import pytest

from conftest import as_user, find_tool, free_port, probe, skip_or_fail, stop, wait_ready

SQL = """
CREATE DATABASE shop;
CREATE DATABASE closed;
CREATE TABLE shop.users (id int);
CREATE USER app@'127.0.0.1' IDENTIFIED VIA mysql_native_password USING PASSWORD('pencil');
GRANT ALL ON shop.* TO app@'127.0.0.1';
CREATE USER tlsonly@'127.0.0.1' IDENTIFIED BY 'pencil' REQUIRE SSL;
GRANT ALL ON shop.* TO tlsonly@'127.0.0.1';
CREATE USER socketed@'127.0.0.1' IDENTIFIED VIA unix_socket;
"""


@pytest.fixture(scope="module")
def mysql(base, certificates):
    server, install = find_tool("mariadbd", ["/usr/sbin"]), find_tool("mariadb-install-db")
    if not server or not install:
        skip_or_fail("MariaDB is not installed (apt-get install mariadb-server)")
    data, user, port = base / "mysql", as_user("mysql"), free_port()
    data.mkdir()
    if user:
        shutil.chown(data, "mysql", "mysql")
    (certificates / "server.key").chmod(0o644)
    subprocess.run([*user, install, "--no-defaults", f"--datadir={data}", "--skip-test-db",
                    "--auth-root-authentication-method=normal"], check=True, capture_output=True)
    process = subprocess.Popen(
        [*user, server, "--no-defaults", f"--datadir={data}", f"--socket={data}/s",
         f"--port={port}", "--bind-address=127.0.0.1", f"--pid-file={data}/pid",
         f"--ssl-cert={certificates}/server.pem", f"--ssl-key={certificates}/server.key",
         "--max-connect-errors=5"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_ready(f"unix://{data}/s", process)
        subprocess.run([find_tool("mariadb"), "--no-defaults", f"--socket={data}/s", "-uroot"],
                       input=SQL.encode(), check=True)
        yield f"@127.0.0.1:{port}"
    finally:
        stop(process)


def test_login(mysql):
    got = probe(f"mysql://app:pencil{mysql}/shop?tables=users")
    assert got.verdict == "ready", got
    assert "login as app to shop, SELECT 1, tables users found" in got.text
    assert probe(f"mariadb://app:pencil{mysql}").verdict == "ready"
    got = probe(f"mysql://app:pencil{mysql}/shop?tables=users,videos")
    assert (got.verdict, got.code) == ("not yet", "no-table")


def test_tls(mysql, certificates):
    got = probe(f"mysql://tlsonly:pencil{mysql}/shop?tls=yes")
    assert got.verdict == "ready", got
    got = probe(f"mysql://tlsonly:pencil{mysql}/shop")
    assert (got.verdict, got.code) == ("never", "mysql-1045")


@pytest.mark.parametrize("login, database, code", [
    ("app:wrong", "shop", "mysql-1045"),
    ("app", "shop", "mysql-1045"),
    ("nobody:x", "shop", "mysql-1045"),
    ("app:pencil", "absent", "mysql-1044"),
    ("app:pencil", "closed", "mysql-1044"),
])
def test_refused(mysql, login, database, code):
    got = probe(f"mysql://{login}{mysql}/{database}")
    assert (got.verdict, got.code) == ("never", code), got
    assert "wrong" not in got.text and "pencil" not in got.text


def test_many_attempts_do_not_lock_out(mysql):
    for _ in range(20):
        assert probe(f"mysql://app:wrong{mysql}/shop").code == "mysql-1045"
    assert probe(f"mysql://app:pencil{mysql}/shop").verdict == "ready"


def test_other_protocols(mysql):
    for kind in ("postgres", "redis", "http"):
        assert probe(f"{kind}://x:y{mysql}/?timeout=2s" if kind == "postgres" else
                     f"{kind}://{mysql[1:]}?timeout=2s").verdict != "ready"
