"""What is seen in a browser: the subscribers' pages (``public``) and the local inbox (``inbox``)."""
