"""The scores: what is true and what a method said in, numbers out. Takes truths and scenes, knows no method.

`pairing` finds the prediction of each true object, `strokes` counts shared pixels of many masks at once; each
metric is a file (`masks`, `order`, `classification`, `ap`, `calibration`), `intervals` says how sure it is, and
`report` gathers every metric that a truth and a prediction allow.
"""
