"""The HTTP request and response that the HTTP API, the dashboard and the test kit share."""
