"""The ways to get from photos and boxes to scenes, one file each, all with the face of `Segmenter`.

A method puts the rooms below together: crops and features, a model of objects, reasoning between them. Its
`load` stands in the registry of `amodal.segmenter`. `detect` finds boxes where none were given.
"""
