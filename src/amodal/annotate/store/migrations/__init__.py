"""How older databases become today's: one file a step, run when a database is opened."""
