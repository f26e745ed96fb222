"""Scores of predicted masks: confusion matrices, named protocols, boundary IoU, intervals.

`scores.evaluate_predictions` puts them together; each other file tells one of its parts.
"""
