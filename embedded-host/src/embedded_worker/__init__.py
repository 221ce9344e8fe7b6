"""The worker: runs an app's functions in the app's interpreter."""
