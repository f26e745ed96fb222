"""What runs on the CPU runs on a GPU as well, with the same results up to rounding."""

import numpy as np
import pytest
import torch

import areoseg
from areoseg.losses import LOSSES, build_loss
from areoseg.models import create_model, records
from areoseg.transforms import build_augmentation, parse_augment
from areoseg.transforms.policies import POLICIES

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU")


@pytest.mark.parametrize("name", [record.name for record in records()])
def test_models_give_the_logits_of_the_cpu(name):
    torch.manual_seed(0)
    model = create_model(name).eval()
    images = torch.rand(1, 1, 64, 128)
    with torch.inference_mode():
        expected = model(images)
        found = model.cuda()(images.cuda()).cpu()
    torch.testing.assert_close(found, expected, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("name", LOSSES)
def test_losses_give_values_and_gradients_of_the_cpu(name):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 5, 16, 16, generator=generator)
    targets = torch.randint(0, 5, (2, 16, 16), generator=generator)
    targets[:, :2] = 255
    loss = build_loss({name: 1.0}, class_weights=torch.arange(5.0), classes=5, background=0)
    results = []
    for device in ("cpu", "cuda"):
        own = logits.detach().to(device).requires_grad_()
        value, _ = loss(own, targets.to(device))
        value.backward()
        results.append((value.detach().cpu(), own.grad.cpu()))
    torch.testing.assert_close(results[1][0], results[0][0], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(results[1][1], results[0][1], rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("name", POLICIES)
def test_augmentation_gives_the_batch_of_the_cpu(name):
    augment = build_augmentation(parse_augment(name))
    images = torch.rand(8, 1, 32, 64)
    masks = torch.randint(0, 5, (8, 32, 64))
    expected = augment(images, masks, torch.Generator().manual_seed(1))
    found = augment(images.cuda(), masks.cuda(), torch.Generator().manual_seed(1))
    assert found[0].device.type == found[1].device.type == "cuda"
    torch.testing.assert_close(found[0].cpu(), expected[0], rtol=1e-3, atol=1e-3)
    assert (found[1].cpu() != expected[1]).float().mean() < 0.01  # rounding between two pixels


@pytest.mark.parametrize("background", ["void", "gate"])
def test_a_training_learns_and_predicts_on_the_gpu(homework_npz, tiny, tmp_path, background):
    overrides = [*tiny, f"data.background={background}", "data.crops=[16]", "training.epochs=6"]
    run = areoseg.train("unet", homework_npz, tmp_path / "run", overrides=overrides, device="cuda")
    assert run.info.status == "finished"
    image = np.load(homework_npz)["test_set"][0]
    on_gpu = areoseg.load(run, device="cuda")(image)
    on_cpu = areoseg.load(run, device="cpu", accelerate=False)(image)
    np.testing.assert_allclose(on_gpu.probabilities, on_cpu.probabilities, atol=0.05)


def test_a_step_does_not_wait_for_the_gpu(homework_npz, tiny):
    """PyTorch raises an error where a step would wait."""
    from areoseg.data.load import read_data
    from areoseg.recipes import load_recipe
    from areoseg.runs.run import build_segmenter
    from areoseg.taxonomy import MARS
    from areoseg.training.loop import Trainer
    from areoseg.training.prepare import prepare

    recipe = load_recipe("unet", [*tiny, "data.audit=false", "loss=ce", "augment=none"])
    data = prepare(recipe, read_data(homework_npz).labeled, MARS)
    segmenter = build_segmenter(recipe, MARS, mean=data.mean, std=data.std)
    device = torch.device("cuda")
    trainer = Trainer(recipe, data, segmenter, MARS, device=device, precision="bfloat16")
    trainer.enter_stage()
    batches = trainer.batches
    trainer.step(*batches(0))
    batch = batches(1)
    torch.cuda.set_sync_debug_mode("error")
    try:
        trainer.step(*batch)
    finally:
        torch.cuda.set_sync_debug_mode("default")
