"""What the course's own errors have in common."""


class OneSentence(Exception):
    """An error of which a notebook shows the sentence alone: the calls in between say nothing."""

    def _render_traceback_(self):
        """What IPython shows in the place of a traceback (list of str)."""
        return [str(self)]
