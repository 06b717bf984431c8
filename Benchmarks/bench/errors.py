"""The two ways a run goes wrong, and their exit statuses."""


class WrongAnswers(Exception):
    """A proxy answered wrongly, failed requests, or died under load. Exit status 1."""


class MachineLacks(Exception):
    """A tool, a core or a limit that the measurement needs is not there. Exit status 3."""
