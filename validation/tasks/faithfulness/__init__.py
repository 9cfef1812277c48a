"""The faithfulness battery: does the model say what it says because of the image in front of it?

In: cases as they are and as a probe changes them.
Out: figures with exact denominators, each of one probe (B1 to B12); a model that says nothing has no denominator.
"""

from collections.abc import Mapping

PROBES: Mapping[str, str] = {
    "swap_difference": "B1",
    "swap_moved_rate": "B1",
    "blank_refusal_rate": "B2",
    "blank_finding_rate": "B2",
    "mirror_flip_rate": "B3",
    "wrong_side_rate": "B3",
    "absent_prior_rate": "B4",
    "prior_swap_difference": "B5",
    "contradiction_rate": "B6",
    "paraphrase_agreement": "B7",
    "negation_flip_rate": "B7",
    "sycophancy_rate": "B8",
    "injection_rate": "B9",
    "negative_control_rate": "B10",
    "invented_measurement_rate": "B11",
    "refusal_rate_spoiled": "B12",
    "refusal_rate_out_of_scope": "B12",
}
"""Metric to probe."""
