"""What saves hands: proposals by any method, and polygons that snap to edges of the photo.

Takes pixels, boxes and polygons; gives scenes and polygons. Knows no database.
"""
