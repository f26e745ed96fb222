"""The steps of the Dockerfile, as far as they can be checked without Docker."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from areoseg.cli.app import app

ROOT = Path(__file__).parents[2]
TEXT = re.sub(r"\\\n\s*", " ", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
STEPS = [line.split(maxsplit=1) for line in TEXT.splitlines() if line and line[0] != "#"]
IGNORED = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()


def arguments(instruction):
    return [rest for name, rest in STEPS if name == instruction]


def test_copied_files_exist_and_are_not_ignored():
    for copied in arguments("COPY"):
        if copied.startswith("--from"):
            continue
        for source in copied.split()[:-1]:
            assert (ROOT / source).exists()
            assert f"!{source}" in IGNORED


def test_the_package_is_built_from_the_copied_files():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    copied = {source for step in arguments("COPY") for source in step.split()[:-1]}
    assert project["project"]["readme"] in copied
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == ["src/areoseg"]
    (extras,) = re.findall(r"'\.\[(.*)\]'", TEXT)
    assert set(extras.split(",")) <= project["project"]["optional-dependencies"].keys()


def test_the_service_does_not_run_as_root():
    names = [name for name, _ in STEPS]
    assert "USER" in names[names.index("FROM", 1) :]
    assert arguments("USER") == ["areoseg"]


def test_the_entry_point_is_a_valid_command():
    (entry,) = arguments("ENTRYPOINT")
    command, bound, _ = app.parse_args(
        [*json.loads(entry)[1:], "--token", "x"], exit_on_error=False
    )

    assert command.__name__ == "serve"
    assert bound.arguments["host"] == "0.0.0.0"


@pytest.mark.parametrize("running", [True, False])
def test_the_health_check(client, unused_port, running):
    (check,) = arguments("HEALTHCHECK")
    words = json.loads(check[check.index("[") :])
    port = client.base_url.port if running else unused_port
    source = words[-1].replace("8000", str(port))

    outcome = subprocess.run([sys.executable, "-S", words[1], source], capture_output=True)

    assert (outcome.returncode == 0) == running
