"""One file a family of models: order of the prompt, control tokens, image budget, how an answer is read.

In: nothing.
Out: constants that the engine and the training share.
"""
