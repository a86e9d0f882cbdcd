"""Pretrained features on a lattice around each object.

Takes photos and boxes, gives L2-normalised feature vectors on a small grid of cells laid over every (padded)
box: `lattice` holds all geometry between photo, crop and cell, `backbone` the pretrained networks, `crops`
joins the two.
"""
