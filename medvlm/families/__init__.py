"""One file a family of models: order of the prompt, control tokens, image budget, box convention, licence.

In: the parts of a study, a question; an answer's text; a folder's config.json.
Out: prompts as pieces, boxes in source pixels, pictures as a family is shown them, and which family a folder is.
"""
