"""The amodal network family: photos in, boxes, classes, amodal and inmodal masks and occlusion of every object out.

`parts/` holds what several networks are built from; each published network is one file here: Mask R-CNN, ORCNN, PANet,
MNC, FCIS, AmodalMask, and ASN on Mask R-CNN and on PANet.
"""
