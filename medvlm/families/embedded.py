"""The embedded model's family: order of the prompt, its control tokens, how an answer is read.

<user> <image>×16 question <assistant> answer <end>
"""

from __future__ import annotations

PADDING = "<pad>"
USER = "<user>"
ASSISTANT = "<assistant>"
END = "<end>"
IMAGE = "<image>"
STRIDE = 32
"""Pixels of the model's frame that one image token covers, a side."""
YES, NO = "Yes", "No"
VIEW_QUESTION = "Which view is this?"
VIEW_ANSWERS = ("PA", "AP")
MEAN, DEVIATION = 0.5, 0.5
"""Pixels are shown as (pixel − MEAN) / DEVIATION in three equal channels."""
