"""Rivals of the student, for the tables: Mask R-CNN of visible masks, BBTP (from boxes), PCNet-M (completes masks).

Each is trained by `amodal train NAME`: a file is a `Task` for `training.loop` and a `Segmenter` in the end.
"""
