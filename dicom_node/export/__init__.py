"""`dicom-node export`: a study and its reports from the archive as files, as they are or de-identified.

In: Study Instance UID, folder, what of the dates is to be kept. Out: files and a manifest that says what was left out.
"""
