"""`areoseg labels` and `areoseg suggest`."""

import json

import numpy as np
from PIL import Image

import areoseg


def test_masks_are_exported_and_imported(run_command, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "masks").mkdir()
    mask = np.eye(8, dtype=np.uint8) * 3
    Image.fromarray(mask).save(tmp_path / "masks" / "a.png")
    Image.fromarray(mask * 80).save(tmp_path / "photos" / "a.png")

    exported = run_command(
        "labels", "export", "masks", "--tool", "cvat", "--out", "m.zip", cwd=tmp_path
    )
    imported = run_command(
        "labels", "import", "m.zip", "--tool", "cvat", "--images", "photos", "--out", "data",
        cwd=tmp_path,
    )  # fmt: skip
    nowhere = run_command(
        "labels", "import", "m.zip", "--tool", "cvat", "--out", "data", cwd=tmp_path
    )

    assert exported.stdout == "1 mask: m.zip\n", exported.stderr
    assert imported.stdout == "1 mask: data\n", imported.stderr
    assert (areoseg.read(tmp_path / "data").labeled.masks[0] == mask).all()
    assert nowhere.returncode == 2
    assert "--images" in nowhere.stderr


def test_suggestions_of_a_run(run_command, homework_npz, tiny, tmp_path):
    areoseg.train("unet", homework_npz, tmp_path / "run", overrides=[*tiny, "training.epochs=1"])
    (tmp_path / "photos").mkdir()
    for index in range(3):
        pixels = np.random.default_rng(index).integers(0, 60 * (index + 1), (32, 64), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{index}.png")

    listed = run_command(
        "suggest", "run", "--data", "photos", "--out", "s.json", "--count", 2, cwd=tmp_path
    )
    as_json = run_command("suggest", "run", "--data", "photos", "--json", cwd=tmp_path)

    assert listed.returncode == 0, listed.stderr
    assert "2 images: s.json" in listed.stdout
    found = json.loads(as_json.stdout)
    assert len(found) == 3
    written = json.loads((tmp_path / "s.json").read_text())["suggestions"]
    assert written == found[:2]
