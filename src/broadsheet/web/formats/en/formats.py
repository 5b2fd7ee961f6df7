"""English dates as the mails have them: 24 November 2026, for readers everywhere."""

DATE_FORMAT = "j F Y"
