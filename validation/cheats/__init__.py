"""Models that cheat, made from what an honest one said: proof that the suite tells them apart.

In: the outputs of a run.
Out: the same outputs as each cheat would have given them; each has to fail the criterion made for it.
"""
