"""The task hub, which runs the instances of an app with the engine, the store and the workers.

The task hub delivers messages, runs turns and activities, and fires timers.
"""
