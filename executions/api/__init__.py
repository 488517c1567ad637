"""The HTTP API: the routes of both seed documents, by django-ninja. One noun a file."""
