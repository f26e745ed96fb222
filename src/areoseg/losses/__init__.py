"""The losses: one file a loss, and how they combine.

- `terms` says what a recipe may ask for; it does not import torch.
- `class_weights` turns a class distribution into weights.
- `registry` ties each term to its function.
- `combined` adds the terms up: `build_loss` is what training calls.

Two rules hold throughout. A loss over pixels is a weighted mean over the pixels that are not void;
a loss over regions (Dice, Jaccard, Tversky, Lovász) is a weighted mean over the classes present in
the batch. Where nothing counts, as when every pixel is void, a loss is exactly 0 and so is its
gradient.
"""
