"""Training, for every network alike: one loop, one kind of file, two sources of pictures.

`loop` takes a `Task` (what to build, what to draw, which loss) and a `TrainConfig` and writes one `.safetensors` file,
resumable, in one process or several; `files` reads and writes what is kept; `watch` looks at a network meanwhile.
`sources` gives real photos and pasted scenes to who learns from boxes and visible masks, `truths` any annotated file
with whole ones.
"""
