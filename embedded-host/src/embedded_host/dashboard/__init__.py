"""The dashboard at ``/dashboard``: a page that shows the task hub and controls its instances.

The page (``static/``: ES modules without a build step) changes instances through the management
API only. The Python modules only read data. They return lists, counts and histories, and a stream
of server-sent events that announce changes.
"""
