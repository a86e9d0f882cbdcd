"""Annotated files looked at as data: what is broken in them, what is in them, how far annotators agree.

Takes JSON as it is (`check` trusts nothing and stops nowhere) or Truths (`stats`, `voting`), gives findings, numbers,
voted masks and plots. Knows no method and no score of one.
"""
