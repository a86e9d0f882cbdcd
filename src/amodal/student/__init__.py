"""The student: a dense head on the compositional model's features, taught by that model's own masks. No mask is read.

Takes a model and the photos and boxes it was learned from (`learn.teach_student`); gives, in the same model file, a
network that says of every position of an object's crop whether the object is seen there, hidden or absent. `segmenter`
reasons jointly about what it says of several objects.
"""
