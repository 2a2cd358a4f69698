"""What a simulator can fail of; each says what, where and the remedy."""


class DemoError(Exception):
    """The demo cannot go on."""


class DemoAborted(BaseException):  # no error: somebody wanted the end
    """A signal that wants the end at once; passes every handler of errors."""
