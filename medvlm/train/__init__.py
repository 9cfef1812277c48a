"""Training of the embedded model in two stages, its calibration, evaluation, export and cards.

In: the folder of public films and labels, a recipe.
Out: a folder of weights that `medvlm.engine` loads. Needs the training extra.
"""
