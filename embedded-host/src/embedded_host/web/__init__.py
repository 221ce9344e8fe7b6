"""One HTTP exchange: the request and the response that the HTTP API, the dashboard and the test kit share."""
