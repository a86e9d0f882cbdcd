"""A method as an HTTP service: photos with or without boxes come in, scenes go out as our JSON.

`model` (a method and a detector behind one call) · `line` (the bounded queue, batches, one thread with the model) ·
`asking` (what a request says, checked) · `answers` · `gate` (tokens, refusing early, counting) · `meters`
(Prometheus) · `schemas`, `routes`, `app`. What it shares with the annotation app lies in `amodal.http`.
"""
