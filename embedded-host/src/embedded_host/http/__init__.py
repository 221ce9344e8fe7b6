"""The HTTP server: functions, the Durable management API, the SDK's endpoint, the admin API and the home page."""
