"""In and out: data sets of other tools as truths, the project as data sets, and the project itself as a file.

`reading` and the files of formats know no database; `imports` and `exports` bring rows and files together.
"""
