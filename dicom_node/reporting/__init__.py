"""The report of a reading as it stands: its draft, what people did with it, and the version that follows from both.

In: readings, acts and the headers of the images. Out: `Version` for whoever shows or writes it; new acts, checked.
"""
