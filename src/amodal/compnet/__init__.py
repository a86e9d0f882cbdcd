"""The compositional model of one object, and how it is learned from bounding boxes alone.

Takes features on a lattice (from `features`), gives class scores and three log maps per object: foreground,
occluded, context. Follow the learning in `learn`: training_set → gather → vmf → outliers, then for each class
(`learn_class`) split → mixtures → teacher → calibrate, and at the end finetune where it is asked for; `workshop`
keeps what is finished. `maps` is what inference computes and `model` what is stored. Equation numbers, as in
Eq 5, are those of Yuan et al., CVPR 2021 (arXiv 2012.02107); docs/how-it-works.md walks through them.
"""
