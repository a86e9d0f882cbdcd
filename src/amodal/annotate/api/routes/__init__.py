"""Routes by topic, one file each: who may ask, what is called, what is said."""
