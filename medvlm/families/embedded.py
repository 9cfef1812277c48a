"""The embedded model's family: order of the prompt, its control tokens, how an answer is read.

<user> <image>×n question <assistant> answer <end>
"""

from __future__ import annotations

PADDING = "<pad>"
USER = "<user>"
ASSISTANT = "<assistant>"
END = "<end>"
IMAGE = "<image>"
FRAME = 128
"""Pixels a side to which a film is squeezed before anything else: the size of the films of training."""
STRIDE = 32
"""Pixels a side of the enlarged frame that one image token covers."""
YES, NO = "Yes", "No"
VIEW_QUESTION = "Which view is this?"
VIEW_ANSWERS = ("PA", "AP")
MEAN, DEVIATION = 0.5, 0.5
"""Pixels are shown as (pixel − MEAN) / DEVIATION in three equal channels."""
