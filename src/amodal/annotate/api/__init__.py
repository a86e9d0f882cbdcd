"""What the page speaks with: JSON under /api, sessions and their limits, the built page.

Takes a project folder (or results to look at), gives an ASGI application. Routers are thin: they check who asks and
hand over to `store`, `workflow`, `help` and `exchange`.
"""
