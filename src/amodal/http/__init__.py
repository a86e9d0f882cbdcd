"""What our HTTP servers have in common: errors as documents, limits of bodies, headers, connections that do not hang.

Takes ASGI applications, gives them back guarded; knows nothing of photos or of what is served.
"""
