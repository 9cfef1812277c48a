"""What a validation is run on: local copies of published data sets, and folders of one's own. Nothing is downloaded.

In: files of readings and labels, or a data set in its published layout.
Out: pairs of a reading and its labels, or a `DataSet` of cases, with what was left out counted by reason.
"""
