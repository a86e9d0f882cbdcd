"""How fast this machine is: short measurements of every part, as `amodal bench` runs them.

`machine` says where, `timing` how, a suite is a file that gives `Measurement`s, `report` prints and compares them. What
is measured is made here (`street`, `kins_file`, `made_scenes`), so that nothing has to be fetched. The long runs, with
results beside them, are in the repository's `benchmarks/`.
"""
