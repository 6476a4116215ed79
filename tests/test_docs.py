"""Pages that people read name files, presets and settings that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gamesim import config
from gamesim.app.screens import about

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("docs/**/*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def quoted(page: Path, pattern: str) -> set[str]:
    """What a page has in backticks and matches the whole pattern."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return {found for found in re.findall(r"`([^`\n]+)`", text) if re.fullmatch(pattern, found)}


@each_page
def test_files_that_a_page_names_exist(page):
    files = quoted(page, r"(gamesim|tests|benchmarks|docs|checkpoints|assets)/[\w./-]+")
    files = {name for name in files if not re.search(r"-v\d+$", name)}  # ids of environments
    assert [name for name in sorted(files) if not (ROOT / name).exists()] == []


@each_page
def test_names_that_a_page_finds_in_a_file_are_there(page):
    """`Name` in `path/of/a/file.py`."""
    found = re.findall(r"`(\w+)`\s+in\s+`([\w/]+\.py)`", page.read_text(encoding="utf-8"))
    missing = [
        (name, file)
        for name, file in found
        if not re.search(rf"^\s*(?:class |def )?{name}\b", (ROOT / file).read_text(), re.MULTILINE)
    ]
    assert missing == []


@each_page
def test_pages_that_a_page_links_to_exist(page):
    links = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    local = [link for link in links if "://" not in link and not link.startswith("mailto:")]
    assert [link for link in local if not (page.parent / link).exists()] == []


@each_page
def test_presets_that_a_page_trains_exist(page):
    trained = re.findall(r"main\.py train (\S+)", page.read_text(encoding="utf-8"))
    known = {*config.presets(), "vision", "memory", "controller", "PRESET"}
    assert {name for name in trained if not name.endswith(".yaml")} <= known


@each_page
def test_checkpoints_that_a_page_names_are_shipped(page):
    named = re.findall(r"checkpoints/[a-z][a-z0-9-]+", page.read_text(encoding="utf-8"))
    assert [name for name in sorted(set(named)) if not (ROOT / name).is_dir()] == []


def test_settings_that_tilemaps_page_names_exist():
    named = quoted(ROOT / "docs" / "tilemap.md", r"(training|model|data)\.[\w.]+")
    settings = config.load("tilemap")
    assert named
    assert [key for key in sorted(named) if not _has(settings, key)] == []


def _has(settings: object, key: str) -> bool:
    for part in key.split("."):
        if not hasattr(settings, part):
            return False
        settings = getattr(settings, part)
    return True


@pytest.mark.parametrize("table", [about.TAKECOVER, about.OURS], ids=["TakeCover", "Pac-Man"])
def test_our_own_figures_in_the_app_are_those_of_the_results(table):
    results = (ROOT / "docs/results.md").read_text(encoding="utf-8")
    rows = [re.sub(r"[*|]", " ", line).split("  ") for line in results.splitlines() if "±" in line]
    told = [" ".join(" ".join(row).split()) for row in rows]
    assert [row[0] for row in table[1:] if not any(" ".join(row[1:]) in line for line in told)] == []
