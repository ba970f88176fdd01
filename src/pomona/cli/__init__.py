"""The command line: parse, call, report; one file per group of commands."""

from pomona.cli.app import main

__all__ = ["main"]
