"""The HTTP server: functions, management API, SDK endpoint, admin endpoints and home page."""
