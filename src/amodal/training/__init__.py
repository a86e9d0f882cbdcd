"""Training, for every network alike: one loop, one kind of file, one source of pictures.

`loop` takes a `Task` (what to build, what to draw, which loss) and writes one `.safetensors` file, resumable; `files`
reads and writes what is kept; `sources` gives real photos and pasted scenes.
"""
