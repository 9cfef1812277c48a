"""What `dicom-node demo` needs beside the node: a real sample, a second AE as PACS, and the table at the end.

In: a folder to keep the sample in, files to send. Out: DICOM files at the second AE, words on the terminal.
"""
