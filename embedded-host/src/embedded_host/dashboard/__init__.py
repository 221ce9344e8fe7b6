"""The dashboard at ``/dashboard``: a page that shows and steers what the task hub does.

The page (``static/``, plain ES modules without a build step) does everything that changes something through the management API.
What is here only reads: lists, counts, histories and a stream that tells when there is something new.
"""
