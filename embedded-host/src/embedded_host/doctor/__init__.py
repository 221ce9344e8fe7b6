"""The checks of ``embedded-host doctor``: the app's environment, files, settings and state.

Each module of checks has functions from parsed data to findings. ``examination`` reads the data.
"""
