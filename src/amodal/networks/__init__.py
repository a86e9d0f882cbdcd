"""Trained networks to compare with: a file for each, which is a task for `training.loop` and a `Segmenter` in the end.

Each network is trained by `amodal train NAME`; `registry` finds them by name.
"""
