"""One lock for every way of installing, and nothing used that it does not pin."""

import ast
import re
import sys
import tomllib
from importlib import metadata

import yaml

from gtzan_lib.store import PROJECT


def names(text):
    """Return the package names of requirement lines, normalised."""
    found = re.findall(r"^([A-Za-z0-9][\w.-]*)", text, flags=re.MULTILINE)
    return {name.lower().replace("_", "-") for name in found}


LOCK = (PROJECT / "requirements.lock").read_text()
DIRECT = names((PROJECT / "requirements.in").read_text())


def test_the_lock_pins_every_package_exactly():
    assert all("==" in line for line in LOCK.splitlines())
    assert names(LOCK) >= DIRECT


def test_what_is_installed_is_what_the_lock_says():
    pins = dict(re.findall(r"^([\w.-]+)==([^\s;]+)", LOCK, flags=re.MULTILINE))
    for name in DIRECT:
        assert metadata.version(name).split("+")[0] == pins[name], name


def test_conda_and_make_install_the_lock():
    environment = yaml.safe_load((PROJECT / "environment.yml").read_text())
    assert {"pip": ["-r requirements.lock", "-e ."]} in environment["dependencies"]
    makefile = (PROJECT / "Makefile").read_text()
    _, _, recipe = makefile.partition("\n.venv/ready: requirements.lock")
    commands = " ".join(recipe.split("\n\n")[0].replace("\\\n", " ").split())
    by_pip = r"\.venv/bin/pip install .*--constraint requirements\.lock torch uv "
    assert re.search(
        by_pip + r"\$\(UV_PIP\) --requirement requirements\.lock ", commands
    )


def test_environment_yml_says_what_needs_each_package():
    comments = re.findall(r"^#(.*)", (PROJECT / "environment.yml").read_text(), re.M)
    words = set(re.findall(r"[a-z][a-z0-9-]+", " ".join(comments)))
    assert not DIRECT - words


def test_the_build_uses_the_pinned_setuptools():
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    assert project["build-system"]["requires"][0] in LOCK.splitlines()


def test_the_library_imports_only_direct_requirements():
    modules = set()
    for path in (PROJECT / "gtzan_lib").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                modules |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                modules.add(node.module.split(".")[0])
    distributions = metadata.packages_distributions()
    for module in modules - set(sys.stdlib_module_names) - {"gtzan_lib"}:
        assert names("\n".join(distributions[module])) & DIRECT, module
