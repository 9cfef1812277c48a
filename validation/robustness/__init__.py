"""What a film may suffer before a model sees it, in steps: pixels, tags, burned-in text.

In: a source file and an alteration with its level.
Out: a changed file in the run's work folder; curves over the levels and the worst of them.
"""
