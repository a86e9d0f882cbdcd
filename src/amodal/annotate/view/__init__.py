"""Looking: read-only documents, for the same page, of what predict, compare or challenge wrote.

Takes a results folder (and truth where there is one), gives the documents that the API gives of a project.
"""
