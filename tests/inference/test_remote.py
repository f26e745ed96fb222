"""Images and outputs in object stores: same results, retries, and clear errors."""

import csv
import io
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import count

import numpy as np
import pytest
from PIL import Image

import areoseg
from areoseg.errors import AreosegError
from areoseg.inference.listing import find_inputs
from areoseg.utils import storage
from areoseg.utils.storage import RemoteFolder, UrlPath, checked_url, is_url

fsspec = pytest.importorskip("fsspec", reason="the extra remote is not installed")

OUTPUTS = ["masks", "shares"]


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Three images, the last one broken, in a folder."""
    folder = tmp_path_factory.mktemp("photos")
    random = np.random.default_rng(0)
    for name in ("a.png", "b.png"):
        Image.fromarray(random.integers(0, 256, (16, 24), np.uint8)).save(folder / name)
    (folder / "c.png").write_text("no picture")
    return folder


@pytest.fixture(scope="module")
def expected(photos, tmp_path_factory):
    """The masks and the rows, without paths, of a prediction on disk."""
    out = tmp_path_factory.mktemp("local") / "out"
    areoseg.predict(photos, out, model="flagship-64", outputs=OUTPUTS, threads=1, accelerate=False)
    masks = {path.name: path.read_bytes() for path in (out / "masks").iterdir()}
    return masks, rows_of((out / "shares.csv").read_text())


def rows_of(text):
    return [{**row, "path": None} for row in csv.DictReader(io.StringIO(text))]


@pytest.fixture
def memory(photos, monkeypatch):
    """The images in a store in memory, which is emptied afterwards; retries do not wait."""
    store = fsspec.filesystem("memory")
    for file in photos.iterdir():
        store.pipe_file(f"/photos/{file.name}", file.read_bytes())
    monkeypatch.setattr(storage.time, "sleep", lambda seconds: None)
    yield store
    store.store.clear()
    store.pseudo_dirs[:] = [""]


def predict(source, out, **options):
    return areoseg.predict(source, out, model="flagship-64", outputs=OUTPUTS, threads=1, **options)


def content(store, out="/out"):
    masks = {path.rpartition("/")[2]: store.cat_file(path) for path in store.find(f"{out}/masks")}
    return masks, rows_of(store.cat_file(f"{out}/shares.csv").decode())


def test_a_store_gets_what_a_disk_gets(memory, expected):
    found = predict("memory://photos", "memory://out")
    assert (found.done, found.failed) == (2, 1)
    assert str(found.out) == "memory://out"
    assert "memory://out/masks/a.png" in map(str, found.paths)
    assert content(memory) == expected
    assert b"memory://photos/c.png" in memory.cat_file("/out/errors.csv")
    assert sorted(path.removeprefix("/out/") for path in memory.find("/out")) == [
        "errors.csv",
        "masks.qml",
        "masks/a.png",
        "masks/b.png",
        "prediction.json",
        "shares.csv",
    ]
    memory.pipe_file("/photos/c.png", memory.cat_file("/photos/a.png"))
    assert predict("memory://photos", "memory://out").done == 3
    assert not memory.exists("/out/errors.csv")


def test_requests_that_fail_now_and_then_change_nothing(memory, expected, monkeypatch):
    calls = count(1)

    def flaky(request, *arguments, **options):
        if next(calls) % 3 == 0:
            raise OSError("SlowDown: reduce your request rate")
        return request(*arguments, **options)

    for name in ("cat_file", "pipe_file", "find", "rm_file"):
        monkeypatch.setattr(memory, name, partial(flaky, getattr(memory, name)))
    predict("memory://photos", "memory://out")
    monkeypatch.undo()
    assert content(memory) == expected


def test_an_image_that_cannot_be_downloaded_is_a_row_and_an_upload_ends_it(memory, monkeypatch):
    download, upload = memory.cat_file, memory.pipe_file

    def refuse_b(path, *arguments, **options):
        if path.endswith("b.png"):
            raise TimeoutError("timed out")
        return download(path, *arguments, **options)

    monkeypatch.setattr(memory, "cat_file", refuse_b)
    assert predict("memory://photos", "memory://out").failed == 2
    assert b"5 attempts failed: timed out" in download("/out/errors.csv")
    monkeypatch.setattr(memory, "cat_file", download)

    def refuse(path, *arguments, **options):
        if "masks/" in path:
            raise PermissionError("no write access")
        return upload(path, *arguments, **options)

    monkeypatch.setattr(memory, "pipe_file", refuse)
    with pytest.raises(AreosegError, match=r"memory://other/masks/a.png: access denied: no write"):
        predict("memory://photos", "memory://other")
    monkeypatch.setattr(memory, "pipe_file", upload)
    assert predict("memory://photos", "memory://other", resume=True).done == 2


def test_parts_in_a_store_are_gathered(memory, expected):
    predict("memory://photos", "memory://out", part="2/2")
    with pytest.raises(AreosegError, match="memory://out: 3 of 3 images are not predicted yet"):
        areoseg.gather("memory://out")
    predict("memory://photos", "memory://out", part="1/2")
    assert areoseg.gather("memory://out").done == 2
    assert content(memory) == expected
    with pytest.raises(AreosegError, match="no parts to gather"):
        areoseg.gather("memory://out")


def test_images_of_a_web_server_are_read(photos, tmp_path):
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    pytest.importorskip("aiohttp", reason="fsspec needs it for web servers")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(photos)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        (image,) = find_inputs([f"http://127.0.0.1:{server.server_port}/a.png"])
        assert image.name == "a"
        assert np.array_equal(image.read().pixels, np.asarray(Image.open(photos / "a.png")))
        (absent,) = find_inputs([f"http://127.0.0.1:{server.server_port}/x.png"])
        with pytest.raises(AreosegError, match=r"x.png: no such file: check the URL"):
            absent.read()
    finally:
        server.shutdown()
        server.server_close()


def test_urls_are_told_from_paths():
    assert all(map(is_url, ("s3://b/a", "s3:/b/a", UrlPath("memory://x"))))
    assert not any(map(is_url, ("a/b", "/a", "C:/x", "c:\\x", "s3:", "a:b/c")))
    assert checked_url("s3:/bucket/a/") == "s3://bucket/a"
    assert str(UrlPath("s3://bucket") / "a" / "b.png") == "s3://bucket/a/b.png"
    with pytest.raises(AreosegError, match="a URL with credentials: give them in the environment"):
        checked_url("s3://key:secret@bucket/a")
    with pytest.raises(AreosegError, match=r"nowhere://a: cannot open this store"):
        RemoteFolder("nowhere://a")
    with pytest.raises(AreosegError, match="no images at this URL"):
        find_inputs(["memory://nothing/here"])


@pytest.mark.filterwarnings("ignore")  # deprecations inside the clients of S3
def test_a_server_of_s3(photos, expected, monkeypatch):
    server_module = pytest.importorskip("moto.server", reason="moto is not installed")
    s3fs = pytest.importorskip("s3fs", reason="the extra remote is not installed")
    server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        for name, value in (
            ("AWS_ENDPOINT_URL", f"http://{host}:{port}"),
            ("AWS_ACCESS_KEY_ID", "testing"),
            ("AWS_SECRET_ACCESS_KEY", "testing"),
            ("AWS_DEFAULT_REGION", "us-east-1"),
        ):
            monkeypatch.setenv(name, value)
        s3fs.S3FileSystem.clear_instance_cache()
        store = fsspec.filesystem("s3")
        store.mkdir("rover")
        for file in photos.iterdir():
            store.pipe_file(f"rover/photos/{file.name}", file.read_bytes())
        predict("s3://rover/photos", "s3://rover/out")
        store.invalidate_cache()
        assert content(store, "rover/out") == expected
        assert not [path for path in store.find("rover/out") if ".blocks" in path]
    finally:
        s3fs.S3FileSystem.clear_instance_cache()
        server.stop()
