"""Whether two data sets are the same."""

import hashlib

from areoseg.data.scenes import SceneSet


def fingerprint(scenes: SceneSet) -> str:
    """A hash of all names, images and masks, to tell whether two data sets are the same."""
    digest = hashlib.blake2b(digest_size=16)
    for index in range(len(scenes)):
        scene = scenes[index]
        digest.update(scene.name.encode())
        digest.update(scene.image.tobytes())
        if scene.mask is not None:
            digest.update(scene.mask.tobytes())
    return digest.hexdigest()
