"""A DICOM node: receive, archive, workflow, report, deliver, API, page.

In: instances over DICOM. Out: draft reports as DICOM SR to the peers, answers over HTTP.
It reaches the model only through `medvlm.contract`, `medvlm.vocabulary` and `medvlm.client`.
"""
