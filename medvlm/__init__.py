"""Images in, readings out.

In: references to DICOM or image files (`StudyInput`) and questions.
Out: `Reading` and `Answer` of `medvlm.contract`. Heavy parts load only below imaging, engine, embedded, train.
"""
