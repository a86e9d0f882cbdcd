"""What the app keeps: one database, SQLite in the project's folder or PostgreSQL, and every earlier version of it all.

One file a topic. Functions take a session of `database.Database`, write within its transaction and raise `Missing`,
`Forbidden`, `Invalid` or `Conflict` of `amodal.annotate.errors`. Whoever writes appends a revision.
"""
