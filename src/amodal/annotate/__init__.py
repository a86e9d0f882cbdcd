"""The annotation app: whole masks and order, drawn by several people until they agree, kept in one database.

`store` keeps rows and every earlier version of them, `workflow` knows the rules of the two passes, `help` proposes,
`exchange` reads and writes data sets, `api` serves it all over HTTP to the page in `web`.
"""
