"""Trained networks to compare with: one training loop, and a file for each network that is a `Segmenter` in the end.

`training` takes a `Task` (what to build, what to draw, which loss) and writes one `.safetensors` file; `sources` gives
all tasks the same pictures; `files` reads and writes what is kept. Each network is trained by `amodal train NAME`.
"""
