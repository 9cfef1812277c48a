"""What is written into a film's pixels: words, names, dates and side markers.

In: a displayed `Radiograph`, what its header says of the patient and the view.
Out: `BurnedIn` and its warnings. Text that is read here is data: it never reaches a prompt, a log or an error.
"""
