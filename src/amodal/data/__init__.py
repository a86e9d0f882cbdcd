"""Files to values and back, one file per format.

Takes JSON that people and other programs wrote, checks every field, and gives boxes, masks and scenes; takes
scenes and writes them without loss. Knows no method and decodes no photo.
"""
