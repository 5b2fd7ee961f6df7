"""What makes campaigns come out by themselves: who schedules, what is due, and who sends it."""

from broadsheet.timing import in_words, last_time, next_time

__all__ = ["in_words", "last_time", "next_time"]
