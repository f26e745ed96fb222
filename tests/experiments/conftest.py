import pytest
import yaml

from areoseg.experiments.study import load_study


@pytest.fixture
def write_study(tmp_path):
    """Writes a study file and loads it."""

    def write(sections, **content):
        path = tmp_path / "small.yaml"
        path.write_text(yaml.safe_dump({**content, "sections": sections}, sort_keys=False))
        return load_study(path)

    return write
