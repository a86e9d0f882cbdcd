"""Brute force and random material that the tests share."""
