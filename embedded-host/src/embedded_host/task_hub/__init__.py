"""The task hub: runs the instances of an app with the engine, the store and the workers.

It delivers messages, runs turns and activities, and fires timers.
"""
