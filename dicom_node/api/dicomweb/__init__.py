"""DICOMweb (PS3.18): QIDO-RS, WADO-RS and STOW-RS over the archive, for viewers and other archives.

In: HTTP requests of a caller that `api.access` knows. Out: DICOM JSON, DICOM files, frames, pictures.
"""
