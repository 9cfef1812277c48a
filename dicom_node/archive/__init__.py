"""What the node keeps: files as received, their index, readings, reports, the outbox.

In: instances from `receive`, results from `workflow`. Out: queries for the workflow, the API and the commands.
"""
