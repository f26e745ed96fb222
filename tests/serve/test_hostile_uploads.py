"""Uploads and requests that are wrong, too large, too many or made to do harm."""

import io
import socket
import struct
import time
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pytest
import tifffile
from serving import as_png, brightness_mask, decode, draw

from areoseg.data.readers.files import TooLargeError, check_size
from areoseg.serve import limits
from areoseg.serve.batcher import TimeLimitError
from areoseg.serve.segmenting import safe_name, unique_names


def post(client, content, name="image.png", **options):
    return client.post("/v1/segment", files={"image": (name, content)}, **options)


def png_of_size(width, height):
    """A PNG file of few bytes that declares many pixels."""

    def chunk(kind, data):
        checksum = zlib.crc32(data, zlib.crc32(kind))
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


def tiff_of_size(width, height):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.zeros((8, 8), np.uint8), compression="zlib", rowsperstrip=8)
    data = bytearray(buffer.getvalue())
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        for tag, value in (("ImageWidth", width), ("ImageLength", height)):
            found = file.pages[0].tags[tag]
            data[found.valueoffset : found.valueoffset + 2] = struct.pack("<H", value)
    return bytes(data)


PDS3 = b"""PDS_VERSION_ID = PDS3\r
RECORD_TYPE = FIXED_LENGTH\r
RECORD_BYTES = 8\r
^IMAGE = "../../../../etc/passwd"\r
OBJECT = IMAGE\r
LINES = 8\r
LINE_SAMPLES = 8\r
SAMPLE_BITS = 8\r
SAMPLE_TYPE = MSB_UNSIGNED_INTEGER\r
END_OBJECT = IMAGE\r
END\r
"""


def zip_bomb():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", b"\0" * 1_000_000)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content", [png_of_size(60_000, 60_000), png_of_size(9000, 9000), tiff_of_size(30_000, 30_000)]
)
def test_decompression_bombs(client, content):
    answer = post(client, content)

    assert answer.status_code == 413
    assert "more than the limit of 64,000,000" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.png", b""),
        ("truncated.png", as_png(draw())[:-60]),
        ("header.png", as_png(draw())[:20]),
        ("text.png", b"<script>alert(1)</script>"),
        ("page.html", b"<html></html>"),
        ("program.png", b"\x7fELF" + bytes(100)),
        ("archive.npz", zip_bomb()),
        ("label.lbl", PDS3),
        (
            "label.xml",
            b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]>',
        ),
        ("image.vrt", b'<VRTDataset rasterXSize="8" rasterYSize="8"></VRTDataset>'),
        ("sizes.png", png_of_size(0, 0)),
        ("lines.png", png_of_size(8, 8000)),
    ],
)
def test_files_that_are_no_images(client, name, content):
    answer = post(client, content, name)

    assert answer.status_code == 422
    assert "/tmp" not in answer.text
    assert "root:" not in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd.png",
        "/etc/passwd.png",
        "C:\\Windows\\a.png",
        "a\0b.png",
        ".png",
        "x" * 300,
    ],
)
def test_names_like_paths(client, name, tmp_path):
    answer = post(client, as_png(draw()), name, params={"output": "mask"})

    assert answer.status_code == 200
    assert "/" not in answer.headers["content-disposition"].partition("filename=")[2]


def test_safe_names():
    assert safe_name("../../etc/passwd") == "passwd"
    assert safe_name("..") == safe_name("") == safe_name(None) == "image"
    assert safe_name("a\nb<>.png") == "a_b__.png"
    assert safe_name("sol 12/é.png") == "é.png"
    assert len(safe_name("é" * 300 + ".png").encode()) <= 120
    assert unique_names(["a.png", "A.png", "a_2.png"]) == ["a.png", "A_2.png", "a_2_2.png"]


def test_large_uploads_are_refused_before_and_while_they_are_read(start_service):
    client = start_service(max_upload=10_000)
    content = bytes(200_000)

    declared = post(client, content)

    def chunks():
        yield b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n'
        for _ in range(20):
            yield bytes(10_000)

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    streamed = client.post("/v1/segment", content=chunks(), headers=headers)
    assert declared.status_code == streamed.status_code == 413
    assert "larger than" in declared.json()["detail"]
    assert "larger than" in streamed.json()["detail"]


def test_a_slow_upload_is_given_up(start_service):
    client = start_service(time_limit=0.2)

    def chunks():
        yield b"--x"
        time.sleep(0.5)
        yield b"--"

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = client.post("/v1/segment", content=chunks(), headers=headers)

    assert answer.status_code == 408
    assert client.service.admission.count == 0


def test_requests_without_an_image(client):
    answers = [
        client.post("/v1/segment"),
        client.post("/v1/segment", data={"image": "text"}),
        client.post("/v1/segment", content=b"x", headers={"Content-Type": "multipart/form-data"}),
        client.post("/v1/segment", files={"photo": ("a.png", as_png(draw()))}),
        client.post("/v1/batches"),
    ]

    assert {answer.status_code for answer in answers} <= {400, 422}


def test_a_thousand_requests_at_once(start_service, engine):
    """Each is answered by its own mask, or told to come again; the service goes on."""
    client = start_service(queue=16)
    engine.seconds = 0.002
    images = [draw(index, (16, 16)) for index in range(50)]
    contents = [as_png(image) for image in images]

    with ThreadPoolExecutor(40) as pool:
        answers = list(
            pool.map(
                lambda index: post(client, contents[index % 50], params={"output": "mask"}),
                range(1000),
            )
        )

    served = 0
    for index, answer in enumerate(answers):
        if answer.status_code == 429:
            assert int(answer.headers["retry-after"]) >= 1
        else:
            assert answer.status_code == 200
            assert (decode(answer.content) == brightness_mask(images[index % 50])).all()
            served += 1
    assert served >= 16
    assert sum(engine.batches) == served
    assert post(client, contents[0]).status_code == 200
    assert client.service.admission.count == 0


def test_a_request_that_takes_too_long(start_service, engine):
    client = start_service(time_limit=0.05)
    engine.seconds = 0.1
    image = as_png(draw(0, (1040, 1040)))  # several tiles

    answer = post(client, image)

    assert answer.status_code == 503
    assert answer.headers["retry-after"]


def test_only_some_large_images_are_in_memory_at_a_time(monkeypatch):
    monkeypatch.setattr(limits, "SMALL", 4)
    large_images = limits.LargeImages(1, max_pixels=16, seconds=0.01)

    def reading(pixels):
        return large_images.reading(lambda: check_size(1, pixels, "image"))

    with reading(9):
        with reading(4), reading(3):  # small ones need no place
            pass
        with pytest.raises(TimeLimitError), reading(9):
            pass
    with pytest.raises(TooLargeError, match="limit of 16"), reading(17):
        pass
    with reading(16):  # the place of the one that was too large is free
        pass


def test_a_client_that_goes_away(client):
    request = b"POST /v1/segment HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n\r\nabc"
    with socket.create_connection((client.base_url.host, client.base_url.port)) as connection:
        connection.sendall(request)

    assert client.get("/healthz").json() == {"status": "ok"}
    for _ in range(100):
        if client.service.admission.count == 0:
            break
        httpx.get(client.base_url.join("/healthz"))
    assert client.service.admission.count == 0
