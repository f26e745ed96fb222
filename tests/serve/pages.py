"""The page in a browser: hosts for it, and what its tests have in common."""

import base64
import contextlib
import functools
import http.server
import io
import threading

import numpy as np
import torch
from PIL import Image
from serving import BINS, as_png
from torch import nn

from areoseg.export.float16_onnx import write_float16_onnx
from areoseg.models.segmenter import Segmenter
from areoseg.taxonomy import MARS

DESCRIPTION = {
    "names": MARS.names,
    "colors": ["#{:02x}{:02x}{:02x}".format(*color) for color in MARS.colors],
    "background_index": MARS.background,
    "outlined": MARS.outlined,
    "background_threshold": None,
    "predicts_background": True,
    "size_divisor": 4,
    "scale": None,
    "tile": 512,
    "overlap": 128,
    "appearance": None,
}
"""What `models.json` says about `BrightnessNetwork`."""


class BrightnessNetwork(nn.Conv2d):
    """Gives each pixel the class of its brightness, as `serving.BrightnessEngine` does."""

    size_divisor = 4

    def __init__(self):
        super().__init__(1, len(MARS), 1)
        centers = (torch.arange(len(MARS)) * BINS + (BINS - 1) / 2) / 255
        with torch.no_grad():
            self.weight[:, 0, 0, 0] = 400 * centers  # -200 (x - center)^2, without x^2
            self.bias[:] = -200 * centers**2


def brightness_model(path, folder):
    """Write the model into a static site, in place of an export of the run at `path`."""
    folder.mkdir(parents=True, exist_ok=True)
    segmenter = Segmenter(BrightnessNetwork(), mean=0.0, std=1.0, classes=len(MARS)).eval()
    write_float16_onnx(segmenter, folder / f"{path.name}.onnx")
    return None, {"name": path.name, "url": f"models/{path.name}.onnx", **DESCRIPTION}


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@contextlib.contextmanager
def hosting(folder):
    """Serve a folder as `python -m http.server` does; yields its address."""
    handler = functools.partial(QuietHandler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def visiting(browser, address, *, refused=(), **options):
    """Open the page; at the end nothing may have failed, and no other host have been asked.

    `refused` has the status codes that the page may receive and must handle.
    """
    page = browser.new_page(viewport={"width": 1280, "height": 1200}, **options)
    problems = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "console",
        lambda message: (
            any(f"status of {code}" in message.text for code in refused)
            or problems.append(message.text)
        ),
    )
    page.on(
        "request",
        lambda request: (
            request.url.startswith((address, "blob:", "data:")) or problems.append(request.url)
        ),
    )
    page.set_default_timeout(60_000)  # the suite may share its cores
    page.goto(address)
    page.wait_for_selector("body[data-ready]")
    yield page
    page.close()
    assert problems == []


def as_file(name, image):
    return {"name": name, "mimeType": "image/png", "buffer": as_png(image)}


def bands(height=40, width=60):
    """An image with a horizontal band of each class, background on top."""
    rows = np.arange(height) * len(MARS) // height
    return np.repeat((rows * BINS + BINS // 2).astype(np.uint8)[:, None], width, axis=1)


def open_images(page, *files):
    """Add images to the page and wait for the result of the first."""
    page.set_input_files("#files", list(files))
    shown(page, files[0]["name"])


def shown(page, name):
    page.wait_for_selector(f'#title:text-is("{name}")')
    page.wait_for_selector("#facts div")


def downloaded(page, selector):
    """Click, and return name and content of the file that is downloaded."""
    with page.expect_download() as waiting:
        page.click(selector)
    return waiting.value.suggested_filename, waiting.value.path().read_bytes()


def pixel(page, x, y):
    """The screen position of a pixel of the image."""
    box = page.locator("canvas").first.bounding_box()
    size = [int(part) for part in page.text_content("#facts dd").split()[::2][:2]]
    scale = min(box["width"] / size[0], box["height"] / size[1])
    left, top = (
        box[side] - scale * length for side, length in zip(("width", "height"), size, strict=True)
    )
    return box["x"] + left / 2 + scale * (x + 0.5), box["y"] + top / 2 + scale * (y + 0.5)


def color_at(page, x, y):
    """The color on the screen at a pixel of the image."""
    across, down = pixel(page, x, y)
    shot = page.screenshot(clip={"x": across, "y": down, "width": 1, "height": 1})
    return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB"))[0, 0].astype(int)


def in_worker(page, file, model):
    """Segment a file with a model of a static site; returns mask, confidence and other fields."""
    result = page.evaluate(_IN_WORKER, [base64.b64encode(file).decode(), model])
    pictures = {
        key: np.asarray(Image.open(io.BytesIO(base64.b64decode(result[key]))))
        for key in ("mask", "confidence")
    }
    return {**result, **pictures}


_IN_WORKER = """async ([content, name]) => {
  const { openBackend } = await import(new URL("backend-static.js", document.baseURI).href);
  window.tested ??= await openBackend();
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const result = await window.tested.segment(new File([bytes], "image.png"), name);
  const text = async (blob) => {
    const bytes = new Uint8Array(await blob.arrayBuffer());
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  };
  const [mask, confidence] = [await text(result.mask), await text(result.confidence)];
  return { ...result, image: null, mask, confidence };
}"""
