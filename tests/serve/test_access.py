"""Token, hosts, origins, headers, metrics, log and the end of the service."""

import logging
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest
from serving import as_png, draw

from areoseg.errors import AreosegError
from areoseg.serve.server import checked_access
from areoseg.serve.settings import Settings

SETTINGS = Settings(models=("flagship-256",))


def test_other_computers_need_a_token():
    with pytest.raises(AreosegError, match="--token"):
        checked_access(SETTINGS, "0.0.0.0", allow_no_token=False)
    assert checked_access(SETTINGS, "0.0.0.0", allow_no_token=True).hosts == ()
    assert checked_access(SETTINGS, "127.0.0.1", allow_no_token=False).hosts
    assert checked_access(SETTINGS, "::1", allow_no_token=False).hosts
    both = Settings(models=("flagship-256",), token="x")
    assert checked_access(both, "mars.example", allow_no_token=False).hosts == ()
    with pytest.raises(AreosegError, match="choose one"):
        checked_access(both, "0.0.0.0", allow_no_token=True)


def test_the_token_is_required(start_service):
    client = start_service(token="secret")
    files = {"image": ("a.png", as_png(draw()))}
    wrong = [{"Authorization": ""}, {"Authorization": "Bearer secre"}, {"Authorization": "secret"}]

    refused = [client.post("/v1/segment", files=files, headers=headers) for headers in wrong]
    refused += [client.get(path, headers=wrong[1]) for path in ("/v1/models", "/metrics")]
    opened = [client.get(path, headers=wrong[0]) for path in ("/healthz", "/", "/openapi.json")]

    assert {answer.status_code for answer in refused} == {401}
    assert refused[0].headers["www-authenticate"] == "Bearer"
    assert {answer.status_code for answer in opened} == {200}
    assert client.post("/v1/segment", files=files).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "[::1"])
def test_other_names_of_this_computer_are_refused(client, host):
    """A web page cannot reach the service under a name of its own (DNS rebinding)."""
    assert client.get("/v1/models", headers={"Host": host}).status_code == 421


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "[::1]:8000"])
def test_local_names_are_answered(client, host):
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


def test_requests_of_other_pages_are_refused(client):
    files = {"image": ("a.png", as_png(draw()))}
    own = f"http://{client.base_url.netloc.decode()}"

    for origin, status in ((own, 200), ("https://evil.example", 403), ("null", 403)):
        answer = client.post("/v1/segment", files=files, headers={"Origin": origin})
        assert answer.status_code == status
        assert "access-control-allow-origin" not in answer.headers


def test_security_headers(client):
    for path in ("/", "/docs/", "/v1/samples", "/nothing"):
        headers = client.get(path).headers
        assert "'unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
    assert client.get("/v1/samples").headers["cache-control"] == "no-store"


def test_no_page_loads_anything_from_elsewhere(client):
    for path in ("/", "/docs/"):
        text = client.get(path).text
        assert "http://" not in text.replace("http://www.w3.org", "")
        assert "https://" not in text


def test_metrics_count_requests_and_forward_passes(client):
    client.post("/v1/segment", files={"image": ("a.png", as_png(draw()))})
    client.get("/v1/batches/secret-id")

    text = client.get("/metrics").text

    route = 'areoseg_requests_total{method="POST",route="/v1/segment",status="200"} 1.0'
    assert route in text
    assert 'route="/v1/batches/{id}",status="404"} 1.0' in text
    assert "areoseg_forward_pass_images_sum 1.0" in text
    assert "secret-id" not in text


def test_the_log_names_no_files(client, caplog, monkeypatch):
    # Libraries that configure logging may have switched the logger off in this process.
    for name in ("areoseg", "areoseg.serve"):
        monkeypatch.setattr(logging.getLogger(name), "disabled", False)
        monkeypatch.setattr(logging.getLogger(name), "propagate", True)
    caplog.set_level(logging.INFO, "areoseg.serve")

    client.post("/v1/segment", files={"image": ("secret.png", as_png(draw()))}, params={"x": "y"})

    lines = [record.getMessage() for record in caplog.records if record.name == "areoseg.serve"]
    assert lines[0].startswith("POST /v1/segment 200 ")
    assert "secret" not in "".join(lines)


def test_samples_are_segmented(client):
    samples = client.get("/v1/samples").json()

    assert len(samples) == 3
    assert client.get("/v1/samples/none").status_code == 404
    image = client.get(samples[0]["url"])
    assert image.headers["content-type"] == "image/png"
    answer = client.post("/v1/segment", files={"image": ("sample.png", image.content)})
    assert answer.json()["width"] == 512


SERVER = """
import sys, time
sys.path.insert(0, {tests!r})
from serving import BrightnessEngine
from areoseg.inference.predictor import Predictor
from areoseg.serve import models, server
from areoseg.serve.settings import Settings
models.load = lambda path, device: Predictor([BrightnessEngine(1.0)])
server.serve(Settings(models=("flagship-256",)), port={port})
"""


def test_sigterm_finishes_what_runs(tmp_path, unused_port):
    source = SERVER.format(tests=str(Path(__file__).parent), port=unused_port)
    process = subprocess.Popen([sys.executable, "-c", source], stderr=subprocess.PIPE, text=True)
    address = f"http://127.0.0.1:{unused_port}"
    try:
        while True:
            try:
                httpx.get(f"{address}/healthz")
                break
            except httpx.TransportError:
                assert process.poll() is None, process.stderr.read()
                time.sleep(0.05)
        answers = []
        files = {"image": ("a.png", as_png(draw()))}
        send = threading.Thread(
            target=lambda: answers.append(
                httpx.post(f"{address}/v1/segment", files=files, timeout=60)
            )
        )
        send.start()
        while "areoseg_requests_in_progress 2.0" not in httpx.get(f"{address}/metrics").text:
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        send.join()
        assert answers[0].status_code == 200
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.stderr.close()


def test_a_port_that_is_taken(run_command, client):
    outcome = run_command("serve", "flagship-256", "--port", client.base_url.port)

    assert outcome.returncode == 2
    assert "another --port" in outcome.stderr


def test_the_command_checks_its_options(run_command):
    for words, message in (
        (["--host", "0.0.0.0"], "--token"),
        (["--port", "70000"], "--port 70000"),
        (["flagship-265"], "did you mean"),
        (["--suggestions", "missing.json"], "missing.json"),
    ):
        outcome = run_command("serve", *words)
        assert outcome.returncode == 2
        assert message in outcome.stderr
