"""Requests per second and latency of `areoseg serve`, beside the rate of the predictor alone.

Each answer is compared with the mask of its own image. `--requests 10000` also shows whether the
memory of the service grows. The clients run on the same cores as the service. On a machine that
others use, too, compare the CPU times (`cpu_ms`) instead of the rates.
"""

import argparse
import http.client
import io
import json
import platform
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import numpy as np
import PIL.Image
import psutil

import areoseg
from areoseg.inference.predictor import Predictor
from areoseg.synthetic import SyntheticMars, draw_sample

SIZES = {"tiles": (64, 128), "frames": (1024, 1024)}

HEADERS = {"Content-Type": "multipart/form-data; boundary=image"}
BODY_START = b"""--image\r
Content-Disposition: form-data; name="image"; filename="image.png"\r
\r
"""
BODY_END = b"\r\n--image--\r\n"

_TIMEOUT = 600  # seconds: a busy machine must not end the benchmark


def draw(kind: str, count: int) -> list[np.ndarray]:
    """Return images of a kind; frames are enlarged tiles, which costs less than drawing them."""
    height, width = SIZES[kind]
    images = [draw_sample(SyntheticMars(), index).image for index in range(count)]
    resized = [PIL.Image.fromarray(image).resize((width, height)) for image in images]
    return [np.asarray(image) for image in resized]


def save(images: list[np.ndarray], folder: Path) -> list[Path]:
    """Write images as PNG files and return their paths."""
    paths = [folder / f"{index}.png" for index in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        PIL.Image.fromarray(image).save(path)
    return paths


def bare_rate(
    model: Predictor, paths: list[Path], seconds: float
) -> tuple[float, float, list[np.ndarray]]:
    """Return images per second and CPU seconds per image of the predictor, and the masks."""
    masks = [result.mask for result in model([str(path) for path in paths])]
    for _ in range(3):  # OpenVINO replaces PyTorch after some seconds of work
        model([str(path) for path in paths])
    started, used, done = time.perf_counter(), time.process_time(), 0
    while time.perf_counter() - started < seconds:
        done += len([result.mask for result in model([str(path) for path in paths])])
    used = time.process_time() - used
    return done / (time.perf_counter() - started), used / done, masks


def load_test(
    address: str, files: list[bytes], masks: list[np.ndarray], clients: int, count: int
) -> tuple[float, list[float], list[str]]:
    """Send requests from parallel clients; return seconds in total and of each, and errors."""
    latencies: list[float] = []
    wrong: list[str] = []
    numbers = iter(range(count))
    lock = threading.Lock()

    host, port = urlsplit(address).hostname, urlsplit(address).port
    bodies = [BODY_START + file + BODY_END for file in files]  # httpx would take a millisecond

    def work() -> None:
        connection = http.client.HTTPConnection(host, port, timeout=_TIMEOUT)
        while True:
            with lock:
                index = next(numbers, None)
            if index is None:
                return connection.close()
            place = index % len(files)
            started = time.perf_counter()
            connection.request("POST", "/v1/segment?output=mask", bodies[place], HEADERS)
            answer = connection.getresponse()
            content = answer.read()
            latencies.append(time.perf_counter() - started)
            if answer.status != 200:
                wrong.append(str(answer.status))
                continue
            mask = np.asarray(PIL.Image.open(io.BytesIO(content)))
            equal = float((mask == masks[place]).mean())
            if equal < 0.999:  # OpenVINO rounds differently than PyTorch
                wrong.append(f"{equal:.3f} of image {place}")

    threads = [threading.Thread(target=work) for _ in range(clients)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - started, latencies, wrong


def start_service(model: str, port: int) -> tuple[subprocess.Popen[bytes], float]:
    """Start the service; return the process and the seconds until its first segmented image."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "areoseg", "serve", model, "--port", str(port)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    while True:
        try:
            sample = httpx.get(f"{address}/v1/samples/dunes").content
            break
        except httpx.TransportError:
            if process.poll() is not None:
                raise SystemExit("the service did not start") from None
            time.sleep(0.02)
    httpx.post(
        f"{address}/v1/segment", files={"image": sample}, timeout=_TIMEOUT
    ).raise_for_status()
    return process, time.perf_counter() - started


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="flagship-64")
    parser.add_argument("--kind", choices=SIZES, default="tiles")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--requests", type=int, default=400, help="requests per number of clients")
    parser.add_argument("--images", type=int, default=64, help="different images")
    parser.add_argument("--seconds", type=float, default=10.0, help="time for the predictor alone")
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--out", type=Path, help="JSON file to write")
    options = parser.parse_args()

    images = draw(options.kind, options.images)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        paths = save(images, Path(folder))
        files = [path.read_bytes() for path in paths]
        rate, cpu, masks = bare_rate(areoseg.load(options.model), paths, options.seconds)
        print(f"predictor alone: {rate:.1f} images/s, {1000 * cpu:.1f} ms of CPU", flush=True)
        process, first = start_service(options.model, options.port)
        print(f"first image after {first:.1f} s", flush=True)
        try:
            address = f"http://127.0.0.1:{options.port}"
            load_test(address, files, masks, 8, 2 * options.images)  # warm-up
            service = psutil.Process(process.pid)
            for clients in options.clients:
                before, used = service.memory_info().rss, sum(service.cpu_times()[:2])
                seconds, latencies, wrong = load_test(
                    address, files, masks, clients, options.requests
                )
                row = {
                    "clients": clients,
                    "requests_per_second": options.requests / seconds,
                    "of_predictor": options.requests / seconds / rate,
                    "cpu_ms": 1000 * (sum(service.cpu_times()[:2]) - used) / options.requests,
                    **{f"p{p}": float(np.percentile(latencies, p)) for p in (50, 95, 99)},
                    "memory_before_mb": before / 1e6,
                    "memory_after_mb": service.memory_info().rss / 1e6,
                    "wrong": len(wrong),
                }
                rows.append(row)
                print(json.dumps({k: round(v, 3) for k, v in row.items()}), wrong[:3], flush=True)
        finally:
            process.terminate()
            process.wait()
    if options.out is not None:
        result = {
            "processor": platform.machine(),
            "model": options.model,
            "kind": options.kind,
            "predictor_images_per_second": rate,
            "predictor_cpu_ms": 1000 * cpu,
            "first_image_seconds": first,
            "rows": rows,
        }
        options.out.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
