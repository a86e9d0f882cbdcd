"""The command line: one small file per command, found by `main`.

A command is a frozen dataclass whose fields are its arguments and whose `run` returns an exit code. Commands
take files and folders, call the library, and give files and folders; nothing is computed here.
"""
