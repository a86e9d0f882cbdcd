"""The rules of the two passes: numbers of clusters, visible from whole masks, votes, rounds, and what the manager sees.

Rules stand apart from what reads and writes rows: `numbering`, `inmodal` and `consensus` know values only, `rounds`,
`scenes` and `manager` take a session and use them.
"""
