"""What keeps a model from speaking of what it was not validated for, and from contradicting itself.

In: images, their tags, the encoder's features, findings.
Out: `Scope`, corrected findings and warnings.
"""
