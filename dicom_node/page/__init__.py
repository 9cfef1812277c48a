"""The first page: studies, their state, the image, the draft and its findings. Plain HTML, no scripts.

In: the index and the model server. Out: HTML for a newcomer's browser.
"""
