"""Routes for labeling: corrected masks, and images to label next."""

from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
from fastapi import APIRouter, File, Form, HTTPException, Query, UploadFile
from fastapi.responses import FileResponse

from areoseg.data.readers.decode import decode_indices
from areoseg.errors import AreosegError
from areoseg.labeling.dataset_folder import DatasetFolder, labeled_names
from areoseg.serve.problems import problems
from areoseg.serve.schemas import Correction, SuggestedImage
from areoseg.serve.segmenting import safe_name, save_upload, without_folder
from areoseg.serve.state import Service
from areoseg.taxonomy import VOID
from areoseg.utils.images import Mask

router = APIRouter(tags=["labeling"])


@router.post("/v1/corrections", status_code=201, responses=problems(400, 403, 404, 408, 413, 429))
async def save_correction(
    service: Service,
    image: Annotated[UploadFile, File(description="The image: PNG, JPEG or TIFF.")],
    mask: Annotated[
        UploadFile, File(description="PNG with the class index of each pixel; 255: no label.")
    ],
    name: Annotated[str | None, Form(description="Default: the file name of the image.")] = None,
    model: Annotated[str | None, Query(description="The model whose classes the mask has.")] = None,
) -> Correction:
    """Save an image and its corrected mask in the dataset folder of the service.

    A later correction of the same image replaces the earlier one.
    """
    folder = service.settings.corrections
    if folder is None:
        raise HTTPException(
            403, "this service does not save corrections: start it with --corrections"
        )
    served = service.models.find(model)
    file = _file_name(name, image.filename)

    def work() -> Correction:
        dataset = DatasetFolder(folder, served.load().taxonomy)
        with TemporaryDirectory(prefix="areoseg-") as temporary:
            (Path(temporary) / "mask").mkdir()  # the image may have the name of the mask
            image_path, mask_path = Path(temporary, file), Path(temporary, "mask", "mask.png")
            save_upload(image.file, image_path)
            save_upload(mask.file, mask_path)
            with (
                without_folder(Path(temporary)),
                service.saving,
                service.large_images.reading(
                    lambda: dataset.save(image_path, _read_mask(mask_path))
                ) as saved,
            ):
                pass
        return Correction(name=saved, mask=f"masks/{saved}.png", saved=len(labeled_names(folder)))

    return await service.in_thread(work)


@router.get("/v1/suggestions", responses=problems())
async def suggestions(service: Service) -> list[SuggestedImage]:
    """List the images whose labels would help most, from `areoseg suggest`, in order."""
    labeled = _corrected(service)
    return [
        SuggestedImage(
            name=Path(each.path).name,
            url=f"v1/suggestions/{index}",
            score=each.score,
            uncertainty=each.uncertainty,
            distance=each.distance,
            corrected=Path(each.path).stem in labeled,
        )
        for index, each in enumerate(service.suggestions)
    ]


@router.get(
    "/v1/suggestions/{index}",
    response_class=FileResponse,
    responses={
        200: {"content": {"application/octet-stream": {}}, "description": "The image file."},
        **problems(404),
    },
)
async def suggested_image(service: Service, index: int) -> FileResponse:
    """Return the file of a suggested image."""
    if not 0 <= index < len(service.suggestions):
        raise HTTPException(404, f"no suggestion {index}: there are {len(service.suggestions)}")
    path = Path(service.suggestions[index].path)
    if not path.is_file():
        raise HTTPException(404, f"{path.name}: this image was moved: run areoseg suggest again")
    return FileResponse(path, media_type="application/octet-stream", filename=path.name)


def _corrected(service: Service) -> set[str]:
    """Return the names of the images that have a corrected mask."""
    folder = service.settings.corrections
    return set() if folder is None else labeled_names(folder)


def _file_name(name: str | None, filename: str | None) -> str:
    """Return the file name of an image that is to have a name; its suffix is kept."""
    file = PurePosixPath(safe_name(filename))
    stem = safe_name(name).removesuffix(file.suffix) if name else file.stem
    return f"{stem}{file.suffix}"


def _read_mask(path: Path) -> Mask:
    """Read an uploaded mask.

    Raises:
        AreosegError: It cannot be read, or has values that masks cannot have.
    """
    mask = decode_indices(path)
    if mask.dtype.kind not in "bu" or (mask > VOID).any():
        raise AreosegError(f"{path}: values outside 0 to {VOID}: give class indices")
    return mask.astype(np.uint8)
