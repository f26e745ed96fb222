"""Scores of predicted masks: confusion matrices, named protocols, boundary IoU, intervals.

`scores.evaluate_predictions` combines them; the other modules implement its parts.
"""
