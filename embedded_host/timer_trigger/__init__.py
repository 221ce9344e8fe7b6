"""Functions with a timerTrigger.

``ncrontab`` is the language of schedules; ``schedule`` says when a timer goes off, by its zone's clock; ``trigger`` is
what a function's binding says; ``service`` runs the functions. The rules are those of the real host's TimerListener
(azure-webjobs-sdk-extensions, ``Extensions/Timers``).
"""
