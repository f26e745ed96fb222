"""`/v1/batches`: many images as a job."""

import csv
import io
import time
import zipfile

import pytest
from serving import as_png, brightness_mask, decode, draw

from areoseg.serve.jobs import Jobs


def start(client, images, **parameters):
    files = [("images", (name, content)) for name, content in images]
    return client.post("/v1/batches", files=files, params=parameters)


def wait(client, job):
    while client.get(f"/v1/batches/{job}").json()["state"] in ("waiting", "running"):
        time.sleep(0.01)
    return client.get(f"/v1/batches/{job}").json()


def test_a_batch_gives_what_predict_writes(client):
    images = {f"{index}.png": draw(index) for index in range(5)}
    uploads = [(name, as_png(image)) for name, image in images.items()]

    others = [("notes.txt", b"text"), ("frame.LBL", b"label"), ("broken.png", b"no image")]
    started = start(client, [*uploads, *others])
    job = wait(client, started.json()["id"])

    assert started.status_code == 202
    assert started.headers["location"] == f"/v1/batches/{job['id']}"
    assert (job["state"], job["total"], job["done"], job["failed"]) == ("done", 6, 6, 1)
    assert job["ignored"] == ["notes.txt"]
    result = client.get(job["result"])
    with zipfile.ZipFile(io.BytesIO(result.content)) as archive:
        names = archive.namelist()
        for name, image in images.items():
            assert (decode(archive.read(f"masks/{name}")) == brightness_mask(image)).all()
        rows = list(csv.DictReader(archive.read("shares.csv").decode().splitlines()))
        errors = archive.read("errors.csv").decode()
    assert {"index.html", "prediction.json", "overlays/0.png"} <= set(names)
    assert [row["image"] for row in rows] == ["0", "1", "2", "3", "4"]
    assert {row["path"].rpartition("/")[0] for row in rows} == {""}
    assert "broken.png" in errors
    assert "areoseg-job" not in errors


def test_chosen_outputs_and_equal_names(client):
    uploads = [("x/a.png", as_png(draw(1))), ("y/a.png", as_png(draw(2)))]

    job = wait(client, start(client, uploads, outputs=["confidence", "shares"]).json()["id"])

    with zipfile.ZipFile(io.BytesIO(client.get(job["result"]).content)) as archive:
        assert {"confidence/a.png", "confidence/a_2.png"} <= set(archive.namelist())
        assert not [name for name in archive.namelist() if name.startswith("masks")]


def test_a_running_batch_has_no_result_and_can_be_removed(client, engine):
    engine.seconds = 0.05
    uploads = [(f"{index}.png", as_png(draw(index, (32, 8 * index)))) for index in range(1, 9)]

    job = start(client, uploads).json()["id"]
    early = client.get(f"/v1/batches/{job}/result")
    removed = client.delete(f"/v1/batches/{job}")

    assert early.status_code == 409
    assert removed.status_code == 204
    assert client.get(f"/v1/batches/{job}").status_code == 404
    assert client.delete(f"/v1/batches/{job}").status_code == 404


def test_a_batch_without_images_is_refused(client):
    answer = start(client, [("notes.txt", b"text")])

    assert answer.status_code == 422
    assert "no images" in answer.json()["detail"]
    assert "/tmp" not in answer.json()["detail"]


def test_a_failure_of_the_model_fails_the_batch(client, engine, monkeypatch, caplog):
    monkeypatch.setattr(type(engine), "__call__", lambda self, images: 1 / 0)

    job = wait(client, start(client, [("a.png", as_png(draw()))]).json()["id"])

    assert job["state"] == "failed"
    assert "internal error" in job["error"]
    assert client.get(f"/v1/batches/{job['id']}/result").status_code == 409
    assert "ZeroDivisionError" in caplog.text


def test_too_many_batches(start_service):
    client = start_service(jobs=1)
    start(client, [("a.png", as_png(draw()))])

    answer = start(client, [("a.png", as_png(draw()))])

    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0


def test_old_batches_are_removed_with_their_files(client, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    job = start(client, [("a.png", as_png(draw()))]).json()["id"]
    wait(client, job)
    jobs: Jobs = client.service.jobs

    jobs.remove_old(time.monotonic() + 3599)
    assert client.get(f"/v1/batches/{job}").status_code == 200
    jobs.remove_old(time.monotonic() + 3601)

    assert client.get(f"/v1/batches/{job}").status_code == 404
    assert not list(tmp_path.glob("areoseg-job-*"))


@pytest.mark.parametrize("path", ["", "/result"])
def test_unknown_batch(client, path):
    assert client.get(f"/v1/batches/unknown{path}").status_code == 404
