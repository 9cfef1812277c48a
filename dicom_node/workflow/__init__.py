"""From received to delivered, in durable steps: one file a step, `study.py` orders them, `engine.py` holds DBOS.

In: studies that the index says are complete, deliveries that are due. Out: readings, reports, the outbox, states.
"""
