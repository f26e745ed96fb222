"""Self-training: networks that learn from predictions of unlabeled images.

`self_train.py` trains a student on the predictions of finished runs; `rounds.py` labels the images
several times during one training. Both use `pseudo_labels.py`.
"""
