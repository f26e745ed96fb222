"""Augmentation: random changes of a batch of images and, together with them, their masks.

The words are four. A *transform* is one change with a probability and a strength (`options`,
`registry`). A *policy* is a named table of transforms (`policies`). The *settings* are what a
recipe says under `augment` (`settings`). The *augmentation* is the function that the training loop
calls (`build`). A recipe can be read without torch: `options`, `registry`, `policies`, `settings`
and `rare_objects` do not import it.

What holds for every transform:

* Masks are never interpolated: a label that leaves was a label that came in, in the tile or in
  what was mixed or pasted into it, or is `VOID`.
* A pixel that a warp pulls in from outside the tile is `VOID` in the mask and a reflection of the
  tile in the image.
* Every random number comes from the caller's `torch.Generator`, on the CPU, and how many are
  drawn does not depend on the pixels. The same generator state gives the same batch.
* Inputs are not changed in place.

The transforms are our own few lines and not kornia's: kornia draws from the global generator,
interpolates once for each geometric transform, and labels the pixels that a warp vacates as class
0. `benchmarks/augment.py` measures what ours cost beside a training step.
"""
