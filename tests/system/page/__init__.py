"""The reading page in a real Chromium, against a running node and a test PACS.

In: a study by C-STORE, what a reader does. Out: what is on the screen, at the node and at the PACS.
"""
