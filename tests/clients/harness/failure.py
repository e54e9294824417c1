"""What keeps a row from being run, told to a person in its text."""


class Failure(Exception):
    """Not a failed step of a client: something around it did not work."""
