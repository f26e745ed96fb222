import json

import numpy as np
import pytest
from PIL import Image

from areoseg.audit import CHECKS, Audit, Finding, audit_scenes, write_audit
from areoseg.audit.sheet import MOST
from areoseg.data.scenes import SceneSet
from areoseg.data.synthetic import SyntheticMars, add_aliens, draw_set
from areoseg.errors import AreosegError
from areoseg.taxonomy import MARS


@pytest.fixture(scope="module")
def aliens():
    return add_aliens(draw_set(SyntheticMars(seed=3), 60), 6, seed=1)


def finding(index, fault="repeated-mask", action="reject"):
    return Finding(index, f"scene-{index}", fault, 2.0, "because", action)


def test_what_is_rejected_is_not_kept(aliens):
    scenes, indices = aliens
    audit = audit_scenes(scenes)
    assert [f.index for f in audit.rejected] == indices.tolist()
    assert set(audit.kept_indices) == set(range(60)) - set(indices.tolist())
    assert all(f.action == "flag" for f in audit.flagged)


def test_every_check_names_its_findings_after_itself(aliens):
    scenes, _ = aliens
    for fault in CHECKS:
        audit = audit_scenes(scenes, faults=(fault,))
        assert audit.faults == (fault,)
        assert {f.fault for f in audit.findings} <= {fault}
        indices = [f.index for f in audit.findings]
        assert indices == sorted(indices)


def test_a_scene_is_rejected_once_and_nothing_is_lost():
    findings = (
        finding(4),
        finding(1, "content-outlier"),
        finding(4, "content-outlier"),
        finding(4, "near-duplicate", "flag"),
        finding(2, "near-duplicate", "flag"),
    )
    audit = Audit(scenes=5, faults=("repeated-mask",), findings=findings)
    assert audit.rejected == (findings[1], findings[0])
    assert audit.flagged == (findings[4],)
    assert audit.further == (findings[2], findings[3])
    assert audit.kept_indices == (0, 2, 3)


def test_an_unknown_check_is_refused_with_the_nearest_name(aliens):
    with pytest.raises(AreosegError, match="did you mean 'near-duplicate'"):
        audit_scenes(aliens[0], faults=("near-duplicates",))


def test_an_empty_set_has_no_findings():
    nothing = SceneSet(np.empty((0, 8, 8), np.uint8), np.empty((0, 8, 8), np.uint8), ())
    assert audit_scenes(nothing) == Audit(0, tuple(CHECKS), ())


def test_the_written_findings(aliens, tmp_path):
    scenes, indices = aliens
    path, _ = write_audit(audit_scenes(scenes), scenes, tmp_path / "new" / "folder")
    written = json.loads(path.read_text())
    assert list(written) == ["pairs", "faults", "rejected", "flagged", "further"]
    assert written["pairs"] == 60
    assert [entry["index"] for entry in written["rejected"]] == indices.tolist()
    assert list(written["rejected"][0]) == ["index", "name", "fault", "score", "reason"]
    assert written["rejected"][0]["name"] == scenes.names[indices[0]]


def test_the_sheet_shows_image_and_mask_in_the_classes_colours(aliens, tmp_path):
    scenes, indices = aliens
    audit = audit_scenes(scenes, faults=("repeated-mask",))
    _, sheet = write_audit(audit, scenes, tmp_path)
    pixels = np.asarray(Image.open(sheet))
    found = {tuple(colour) for colour in np.unique(pixels.reshape(-1, 3), axis=0).tolist()}
    shown = {MARS.colours[c] for c in np.unique(scenes.masks[indices[0]])}
    assert shown <= found


def test_the_sheet_stops_growing(tmp_path):
    scenes = draw_set(SyntheticMars(height=16, width=16), MOST + 12)
    heights = []
    for count in (MOST, MOST + 1, MOST + 12):
        audit = Audit(len(scenes), (), tuple(finding(i) for i in range(count)))
        _, sheet = write_audit(audit, scenes, tmp_path)
        heights.append(Image.open(sheet).height)
    assert heights[0] < heights[1] == heights[2]  # one line says how many more


def test_a_sheet_of_unlabelled_float_scenes_of_several_sizes(tmp_path):
    rng = np.random.default_rng(0)
    shapes = [(40, 60), (600, 20), (1, 1)]
    images = [rng.random(shape, dtype=np.float32) for shape in shapes]
    scenes = SceneSet(images, None, ("a", "a name " * 40, "c"))
    audit = Audit(3, (), tuple(finding(i, action="flag") for i in range(3)))
    _, sheet = write_audit(audit, scenes, tmp_path)
    assert Image.open(sheet).size[0] > 300


def test_a_clean_audit_has_a_sheet_too(tmp_path, aliens):
    findings, sheet = write_audit(Audit(60, (), ()), aliens[0], tmp_path)
    assert json.loads(findings.read_text())["rejected"] == []
    assert Image.open(sheet).height < 100


def test_a_folder_that_is_a_file_is_refused(tmp_path, aliens):
    (tmp_path / "out").write_text("")
    with pytest.raises(AreosegError, match="cannot write"):
        write_audit(Audit(60, (), ()), aliens[0], tmp_path / "out")
