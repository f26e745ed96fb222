from contextlib import contextmanager

import pytest

from areoseg.data.load import Source
from areoseg.training import loop


@pytest.fixture
def source(homework_npz):
    """The small homework npz with its groups."""
    return Source(path=str(homework_npz), groups=str(homework_npz.with_name("mars_groups.txt")))


@pytest.fixture
def interrupted_at(monkeypatch):
    """Makes a block in which a training is interrupted at a validation, before its checkpoint."""
    write = loop.write_checkpoint

    @contextmanager
    def block(validation):
        def interrupt(folder, trainer, **options):
            if len(trainer.state.history) == validation:
                raise KeyboardInterrupt
            write(folder, trainer, **options)

        with monkeypatch.context() as patch:
            patch.setattr(loop, "write_checkpoint", interrupt)
            with pytest.raises(KeyboardInterrupt):
                yield

    return block
