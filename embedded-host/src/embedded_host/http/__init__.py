"""The server: function routes, the Durable management API, the SDK's endpoint, admin, home page."""
