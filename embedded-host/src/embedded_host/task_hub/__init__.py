"""Where engine, store and workers meet: the instances of one task hub, their inboxes, turns, activities and timers."""
