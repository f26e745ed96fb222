"""Names full of HTML and script on every page, opened in a browser that must stay silent."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import yaml
from disturb import Row
from jobs import DATA, PLAIN, copy_of
from process import run

EVIL = "<img src=x onerror=alert(1)>"
SCRIPT = "</script><script>alert(2)</script>"
CLASSES = ("background", f"soil{SCRIPT}", f"bedrock{EVIL}", "sand\"'&", "{{ 7 * 7 }}")

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


def hostile_names(base: Path, folder: Path) -> Row | None:
    """Make all pages with hostile names, and open them; None: there is no browser."""
    program = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if program is None:
        return None
    row = Row("HTML and script in names", "pages of train, predict, audit, compare, search")
    copy_of(base, folder)
    for page, wrong in _opened(_pages(folder), program):
        row.add(wrong, page.name)
    return row


def _pages(folder: Path) -> list[Path]:
    """Make the pages of a run, a gallery, an audit, a study and a search.

    Raises:
        RuntimeError: A command fails.
    """
    colors = ["#1e1e1e", "#c86414", "#5ab4dc", "#f0f0aa", "#780abe"]
    description = {"classes": list(CLASSES), "background": CLASSES[0], "colors": colors}
    (folder / "dataset.yaml").write_text(yaml.safe_dump(description, allow_unicode=True))
    data = (*DATA, "--classes", "dataset.yaml")
    photos = folder / "photos"
    for number, path in enumerate(sorted(photos.iterdir())):
        path.rename(photos / f"{EVIL}{number}.png")
    study = {
        "summary": SCRIPT,
        "sections": [{"name": "a", "summary": EVIL, "rows": [{"name": "b", "summary": EVIL}]}],
    }
    study["sections"][0]["rows"][0]["overrides"] = list(PLAIN)  # type: ignore[index]
    (folder / "study.yaml").write_text(yaml.safe_dump(study))
    run_name = f"run{EVIL}"
    tried = ["--space", "space.yaml", "--trials", "1", "--out", f"search{EVIL}"]
    commands = (
        ("train", "unet", *PLAIN, f"summary={json.dumps(SCRIPT)}", *data, "--out", run_name),
        ("predict", "photos", "--model", run_name, "--out", f"out{EVIL}", "--threads", "1"),
        ("audit", "mars.npz", "--classes", "dataset.yaml", "--out", f"audit{EVIL}"),
        ("compare", "study.yaml", *data, "--out", f"study{EVIL}"),
        ("search", "unet", *PLAIN, *data, *tried),
    )
    for words in commands:
        outcome = run(words, folder)
        if outcome.code:
            raise RuntimeError(f"{' '.join(words)}: {outcome.output}")
    return [
        folder / run_name / "report.html",
        folder / f"out{EVIL}" / "index.html",
        folder / f"audit{EVIL}" / "audit.html",
        folder / "results" / "study" / "table.html",
        folder / f"search{EVIL}" / "search.html",
    ]


def _opened(pages: list[Path], program: str) -> Iterator[tuple[Path, list[str]]]:
    """Open pages; yield what a browser complains about, asks for, or shows in a dialog."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for path in pages:
            page, wrong = browser.new_page(), list[str]()
            page.on("dialog", lambda dialog, w=wrong: (w.append("a dialog"), dialog.dismiss()))
            page.on("console", lambda message, w=wrong: w.append(message.text))
            page.on("pageerror", lambda error, w=wrong: w.append(str(error)))
            page.on("request", lambda request, w=wrong: w.append(request.url))
            page.goto(path.as_uri())
            page.wait_for_timeout(500)
            for details in page.query_selector_all("details"):
                details.evaluate("each => each.open = true")
            if page.query_selector("img[onerror]"):
                wrong.append("a name became an element")
            harmless = ("data:", "blob:", path.as_uri())
            yield path, [each for each in wrong if not each.startswith(harmless)]
        browser.close()
