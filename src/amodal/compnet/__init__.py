"""The compositional model of one object, and how it is learned from bounding boxes alone.

Takes features on a lattice (from `features`), gives class scores and three log maps per object: foreground,
occluded, context. Follow the learning in `learn`: training_set → vmf → split → mixtures → teacher → outliers
→ calibrate → finetune, each a file that can be read and run alone; `maps` is what inference computes and
`model` what is stored.
"""
