"""A model outside Python: its networks as ONNX or OpenVINO graphs in a folder, and a runtime in numpy that uses them.

Takes a model file, gives a folder (`write`); takes such a folder, gives a `Segmenter` (`runtime`, `network`).
"""
