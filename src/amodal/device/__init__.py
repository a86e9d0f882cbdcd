"""Method `orm` for a device of torch's, as a GPU: photos of a batch in, their masks out once.

Takes decoded photos, boxes and labels. The host lays out (`layout`, `regions`): which pixel is where, who overlaps
whom. The device does what is large (`batch`, from top to bottom): `crops` cuts crops, `looked` runs the backbone, makes
maps and chooses classes, `pixels` carries maps to pixels, `stacks` and `appearance` reason. What goes between both goes
through `wire`, a few times a batch and never for one object: numbers of pairs to the host, the orders that follow from
them back (`orders`), masks at the end (`segmenter`).
It says what `methods/orm.py` says, on which it is tested; that one is the faster on a CPU.
"""
