"""The checks of tools/ must fail where something is planted."""
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

HEADER = '''#ifndef {guard}
#define {guard}
{body}
#endif
'''


class Tree:
    """A small copy of the project that keeps every rule."""

    def __init__(self, path):
        self.path = path
        self.write('docs/architecture.md',
                   (ROOT / 'docs/architecture.md').read_text().replace('](../CONTRIBUTING.md)', ''))
        self.header('base/err.h', (ROOT / 'src/base/err.h').read_text(), whole=True)
        self.header('base/mem.h', (ROOT / 'src/base/mem.h').read_text(), whole=True)
        self.header('model/probe_spec.h', '/* X */\n#define PROBE_KIND_LIST(X) \\\n    X(TCP, "tcp", "tcp", 0)')
        self.write('src/cmd/commands.h', HEADER.format(
            guard='CMD_COMMANDS_H', body='#define CMD_LIST(X) \\\n    X(up) \\\n    X(version)'))
        self.write('src/probe/tcp.c', '#include "base/err.h"\n')
        self.write('src/cmd/main.c', '#include "plan/plan.h"\n#include <stdio.h>\n'
                                     'int main(void)\n{\n    puts("");\n    return 0;\n}\n')
        self.header('plan/plan.h', '#include "model/probe_spec.h"')
        for name in ('cmd/up', 'cmd/version', 'probes/tcp'):
            self.write(f'docs/{name}.md', f'# {name}\n')
        assert self.run('check-docs', '--write').returncode == 0

    def write(self, name, text):
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def header(self, name, body, whole=False):
        guard = name.upper().replace('/', '_').replace('.', '_')
        self.write(f'src/{name}', body if whole else HEADER.format(guard=guard, body=body))

    def append(self, name, text):
        with (self.path / name).open('a') as file:
            file.write(text)

    def run(self, tool, *arguments):
        return subprocess.run([ROOT / 'tools' / tool, *arguments, self.path], capture_output=True,
                              text=True, timeout=60)


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path)


@pytest.mark.parametrize('tool', ['check-layers', 'check-headers', 'check-docs'])
def test_a_clean_tree_passes(tree, tool):
    done = tree.run(tool)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize('where, text, message', [
    ('model/x.c', '#include "plan/plan.h"', 'model/ may not include "plan/plan.h"'),
    ('base/x.c', '#  include "model/probe_spec.h"', 'base/ may not include'),
    ('plan/x.c', '#include "engine/engine.h"', 'plan/ may not include'),
    ('plan/x.c', '#include "plan.h"', 'write it from src/'),
    ('plan/x.c', '#include "../base/err.h"', 'write it from src/'),
    ('plan/x.c', '#include <event2/event.h>', 'libevent is for'),
    ('compose/x.c', '#include <jansson.h>', 'jansson is for'),
    ('run/x.c', '#include "engine/fake/fake.h"', 'the fake engine is for tests'),
    ('odd/x.c', '', 'src/odd/ has no row'),
    ('plan/x.c', 'void f(void) { printf("x"); }', 'printf: only cmd/ prints or exits'),
    ('plan/x.c', 'void f(void) { exit (1); }', 'exit: only cmd/ prints or exits'),
    ('ui/x.c', 'void f(void) { fputs("x", stderr); }', 'stderr: only cmd/ prints or exits'),
])
def test_layers_finds(tree, where, text, message):
    tree.write(f'src/{where}', text + '\n')
    done = tree.run('check-layers')
    assert done.returncode == 1
    assert f'src/{where}:1: ' in done.stdout and message in done.stdout


@pytest.mark.parametrize('text', [
    '/* printf("x") and exit(1) are for cmd/ */',
    'const char *s = "#include <event2/event.h> printf(1)";',
    'void f(struct step *s) { s->exit(1); s->stdout = 1; }',
    'void f(char *b, int n) { snprintf(b, n, "stdout"); }',
])
def test_layers_lets_pass(tree, text):
    tree.write('src/plan/x.c', text + '\n')
    done = tree.run('check-layers')
    assert done.returncode == 0, done.stdout


def test_layers_refuses_a_table_with_a_cycle(tree):
    text = (tree.path / 'docs/architecture.md').read_text()
    old = '| nothing of ours |'
    assert old in text
    tree.write('docs/architecture.md', text.replace(old, '| ev |'))
    done = tree.run('check-layers')
    assert done.returncode == 1 and 'may include each other' in done.stderr


def test_layers_refuses_an_empty_tree(tree):
    shutil.rmtree(tree.path / 'src')
    assert tree.run('check-layers').returncode == 1


def test_headers_finds_one_that_needs_another(tree):
    tree.header('plan/x.h', 'size_t f(void);')
    done = tree.run('check-headers')
    assert done.returncode == 1 and 'plan/x.h' in done.stdout and 'size_t' in done.stdout


@pytest.mark.parametrize('text', ['', '#pragma once\n', HEADER.format(guard='X_H', body='')])
def test_headers_finds_a_wrong_guard(tree, text):
    tree.write('src/plan/x.h', text)
    done = tree.run('check-headers')
    assert done.returncode == 1 and 'src/plan/x.h: the guard is not PLAN_X_H' in done.stdout


def test_docs_finds_a_missing_command(tree):
    (tree.path / 'docs/cmd/up.md').unlink()
    done = tree.run('check-docs')
    assert done.returncode == 1 and 'docs/cmd/up.md: is missing' in done.stdout


def test_docs_finds_a_missing_probe(tree):
    (tree.path / 'docs/probes/tcp.md').unlink()
    done = tree.run('check-docs')
    assert done.returncode == 1 and 'docs/probes/tcp.md: is missing' in done.stdout


def test_docs_finds_a_page_about_nothing(tree):
    tree.write('docs/cmd/fly.md', '# fettle fly\n')
    done = tree.run('check-docs')
    assert done.returncode == 1 and 'docs/cmd/fly.md: is about nothing' in done.stdout


def test_docs_finds_a_changed_error_table(tree):
    text = (tree.path / 'src/base/err.h').read_text()
    tree.write('src/base/err.h', text.replace('a deadline passed', 'too late'))
    done = tree.run('check-docs')
    assert done.returncode == 1 and '"err.h" is out of date' in done.stdout
    assert tree.run('check-docs', '--write').returncode == 0
    assert 'too late' in (tree.path / 'docs/errors.md').read_text()
    assert tree.run('check-docs').returncode == 0


@pytest.mark.parametrize('link', ['[a](nowhere.md)', '[a](architecture.md#no-such-part)',
                                  '<img src="nowhere.svg">'])
def test_docs_finds_a_dead_link(tree, link):
    tree.append('docs/errors.md', link + '\n')
    done = tree.run('check-docs')
    assert done.returncode == 1 and 'docs/errors.md: the link' in done.stdout


@pytest.mark.parametrize('link', ['[a](architecture.md#threads-and-time)', '[a](https://x.test/)',
                                  '`[a](nowhere.md)`', '[a](cmd/up.md)'])
def test_docs_lets_a_good_link_pass(tree, link):
    tree.append('docs/errors.md', link + '\n')
    done = tree.run('check-docs')
    assert done.returncode == 0, done.stdout


def test_docs_asks_the_program(tree):
    program = tree.path / 'fettle'
    program.write_text('#!/bin/sh\necho "synopsis of $3"\n')
    program.chmod(0o755)
    done = tree.run('check-docs', '--fettle', program)
    assert done.returncode == 1 and 'has no part' in done.stdout
    (tree.path / 'docs/cmd/up.md').unlink()
    (tree.path / 'docs/cmd/version.md').unlink()
    assert tree.run('check-docs', '--write', '--fettle', program).returncode == 0
    assert 'synopsis of up' in (tree.path / 'docs/cmd/up.md').read_text()
    assert tree.run('check-docs', '--fettle', program).returncode == 0
