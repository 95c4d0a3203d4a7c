"""The command ``catalens``: each module reads its arguments, calls one service, prints."""
