"""What README, HOWTO and CONTRIBUTING say is so: names, numbers, commands and links."""

import html
import re
import subprocess
import tomllib
from urllib.parse import unquote, urlsplit

import pytest
import yaml

from gtzan_lib import registry
from gtzan_lib.__main__ import main
from gtzan_lib.parameters import Parameters
from gtzan_lib.store import PROJECT

README = PROJECT / "README.md"
HOWTO = PROJECT / "report" / "HOWTO.md"
CHANGELOG = PROJECT / "report" / "CHANGELOG.md"
CONTRIBUTING = PROJECT / ".github" / "CONTRIBUTING.md"
TEXTS = {path: path.read_text("utf-8") for path in (README, HOWTO, CONTRIBUTING)}


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_links_paths_commands_and_parameters_exist(path):
    text, makefile = TEXTS[path], (PROJECT / "Makefile").read_text()
    for target in re.findall(r"\]\((?!https://)([^)]+)\)", text):
        name, _, heading = target.partition("#")
        assert (path.parent / name).exists(), target
        if heading:
            titles = re.findall(r"^#+ (.*)", (path.parent / name).read_text(), re.M)
            anchors = [re.sub(r"[^\w -]", "", title).lower() for title in titles]
            assert heading in [anchor.replace(" ", "-") for anchor in anchors]
    pattern = r"`((?:gtzan_lib|tests|notebooks|report|profiles)/[\w./-]*)`"
    assert all((PROJECT / name).exists() for name in re.findall(pattern, text))
    for target in re.findall(r"(?:^|`)make ([\w./-]+)", text, re.M):
        assert re.search(rf"^{re.escape(target)}:", makefile, re.M), target
    for command in set(re.findall(r"\bgtzan ([a-z-]+)", text)):
        with pytest.raises(SystemExit) as ended:
            main([command, "--help"])
        assert ended.value.code == 0, command
    known = {"encoder": registry.ENCODERS, "recipe": registry.RECIPES}
    known["model"] = [*registry.MODELS, "NAME"]
    for name, value in re.findall(r" -p (\w+) ([\w-]+)", text):
        assert name in Parameters.__dataclass_fields__, name
        assert value in known.get(name, [value])


def test_every_folder_of_the_library_is_described():
    folders = {p.parent.name for p in (PROJECT / "gtzan_lib").glob("*/__init__.py")}
    assert set(re.findall(r"^\| `(\w+)/` \|", TEXTS[CONTRIBUTING], re.M)) == folders


def test_no_link_of_the_site_is_dead(tmp_path):
    build = ["bash", str(PROJECT / ".github" / "site.sh"), "site"]
    subprocess.run(build, cwd=tmp_path, check=True)
    site = tmp_path / "site"
    pages = {path: path.read_text("utf-8") for path in site.rglob("*.html")}
    anchors = {p: {"", *re.findall(r'\bid="([^"]*)"', t)} for p, t in pages.items()}
    assert len(pages) > 10
    for path, text in pages.items():
        for target in re.findall(r'<[^>]+\b(?:href|src|poster)="([^"]*)"', text):
            to = urlsplit(html.unescape(target))
            if to.scheme in ("https", "data"):
                continue
            place = (path.parent / unquote(to.path)).resolve() if to.path else path
            assert not to.scheme, target
            assert place.is_relative_to(site), target
            assert place.is_file(), (path.name, target)
            if place in pages:
                names = {to.fragment, unquote(to.fragment)}  # as browsers do
                assert names & anchors[place], (path.name, target)
    assert "url=pages/index.html" in pages[site / "index.html"]


def test_actions_are_pinned():
    used = set()
    for path in (PROJECT / ".github" / "workflows").glob("*.yml"):
        used |= set(re.findall(r"uses: (.*)", path.read_text("utf-8")))
        assert yaml.safe_load(path.read_text("utf-8"))["jobs"]
    for each in used:
        assert re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40} # v\d+(\.\d+){2}", each), each
    assert len({each.partition("@")[0] for each in used}) == len(used)  # one version


def test_one_version():
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    cited = yaml.safe_load((PROJECT / "CITATION.cff").read_text())["version"]
    newest = re.search(r"^## ([\d.]+)", CHANGELOG.read_text("utf-8"), re.M)[1]
    assert project["version"] == cited == newest
