"""The clients in docs/serve.md work against a running service."""

import re
import shlex
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from PIL import Image
from serving import brightness_mask, decode, draw

PAGE = Path(__file__).parents[2] / "docs" / "serve.md"
BLOCKS = re.findall(
    r"<!-- not run: tests/serve/test_documented_clients.py .*?-->\n```(\w*)\n(.*?)```",
    PAGE.read_text(encoding="utf-8"),
    re.DOTALL,
)


@pytest.fixture
def service(client, tmp_path, monkeypatch):
    """The address of a service; the working folder has the images that the page names."""
    monkeypatch.chdir(tmp_path)
    for name in ("photo.jpg", "frame.png"):
        Image.fromarray(draw()).save(name, quality=100)
    return f"http://127.0.0.1:{client.base_url.port}"


def blocks(language):
    return [text for found, text in BLOCKS if found == language]


def test_the_python_clients(service):
    for text in blocks("python"):
        text = text.replace("http://127.0.0.1:8000", service).replace("sleep(1)", "sleep(0.05)")
        exec(compile(text, str(PAGE), "exec"), {})

    mask = decode(Path("mask.png").read_bytes())
    assert (mask == brightness_mask(decode(Path("photo.jpg").read_bytes()))).all()
    with zipfile.ZipFile("masks.zip") as archive:
        assert "masks/frame.png" in archive.namelist()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_commands_with_curl(service):
    (text,) = blocks("")
    for line in text.splitlines():
        words = shlex.split(line.replace("http://127.0.0.1:8000", service))
        outcome = subprocess.run([*words, "--silent"], capture_output=True, check=True)

    assert b'"shares"' in outcome.stdout
    assert decode(Path("overlay.png").read_bytes()).shape == (32, 48, 3)
