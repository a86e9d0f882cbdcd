"""What several networks of the family are built from: batches in, losses and found objects out.

Trunk and proposals, sampling of RoIs and their losses, heads, and what each paper adds; torchvision's parts where it
has them.
"""
