"""Experiments with many trainings: studies (`compare`) and hyperparameter search (`search`)."""
