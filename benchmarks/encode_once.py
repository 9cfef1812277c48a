"""What encoding a study once saves: sixteen closed questions on an encoded study against sixteen fresh calls.

`python -m benchmarks.encode_once [--rounds N] [--part embedded|large]` writes `results/encode_once.json` and `.md`.

Two models in one run: the embedded one, and a LLaVA of about a billion language-model parameters with random weights,
in bfloat16. One thread and CPU time, so that other load counts little; medians of rounds that interleave the acts. For
the large model a fresh call is timed on its own and counted sixteen times. Decoding is put beside the floor that the
machine's memory sets: bytes of the language model read for a token, over the bandwidth of a large copy, best of twenty.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig, LlavaForConditionalGeneration

from medvlm.embedded import WEIGHTS
from medvlm.engine.encoding import as_seen, both_ways
from medvlm.engine.network import load_network
from medvlm.engine.packed_batch import Row, ends
from medvlm.engine.vision_language import VisionLanguage
from medvlm.vocabulary import terms

RESULTS = Path(__file__).parent / "results"
QUESTIONS = 16
QUESTION_TOKENS = 12
TEXT_TOKENS = 24
DECODED = 8
BARS = {
    "embedded": {"questions": 20.0, "questions_with_encoding": 8.0, "first_token": 0.2},
    "large": {"questions": 10.0, "first_token": 0.1},
}
Acts = dict[str, Callable[[], object]]


def cpu_seconds(acts: Acts, rounds: int) -> dict[str, float]:
    """Median CPU seconds of each act; one round before is dropped."""
    taken: dict[str, list[float]] = {name: [] for name in acts}
    for _ in range(rounds + 1):
        for name, act in acts.items():
            start = time.process_time()
            act()
            taken[name].append(time.process_time() - start)
    return {name: statistics.median(each[1:]) for name, each in taken.items()}


def embedded(rounds: int) -> dict[str, float]:
    """Shipped weights; a fresh call is one forward over image and question together, as a plain call does it."""
    network = load_network(WEIGHTS)
    pixels = np.random.default_rng(0).random((network.image_size, network.image_size), dtype=np.float32)
    asked = [text for term in terms().values() for text in term.ask][:QUESTIONS]
    prefix = network.encode(pixels).prefix
    begin = network._prefix_ids[0].tolist()

    @torch.inference_mode()
    def fresh(text: str) -> None:
        picture = as_seen(torch.from_numpy(pixels)[None, None], network._side)
        seen = network._tokens(both_ways(network._tower, picture))
        prompt = torch.tensor([[*begin, *network.question_ids(text)]])
        network._model(input_ids=prompt, mm_encoder_outputs={"image": seen}, use_cache=False, logits_to_keep=1)

    return cpu_seconds(
        {
            "fresh_16": lambda: [fresh(text) for text in asked],
            "fresh_1": lambda: fresh(asked[0]),
            "encode": lambda: network.encode(pixels),
            "forked_16": lambda: network.log_odds(prefix, asked),
            "further_1": lambda: network.log_odds(prefix, asked[:1]),
        },
        rounds,
    )


def large_model() -> tuple[VisionLanguage, int]:
    """A LLaVA with a text model of 1.2 billion parameters (16 layers of width 2,048) and CLIP L/14 at 224 px."""
    torch.set_default_dtype(torch.bfloat16)
    try:
        text = LlamaConfig(
            vocab_size=32_064, hidden_size=2048, intermediate_size=8192, num_hidden_layers=16, num_attention_heads=32,
            num_key_value_heads=8, tie_word_embeddings=True,
        )  # fmt: skip
        vision = CLIPVisionConfig(
            hidden_size=1024, intermediate_size=4096, num_hidden_layers=24, num_attention_heads=16, image_size=224,
            patch_size=14,
        )  # fmt: skip
        image_token = text.vocab_size - 1
        config = LlavaConfig(text_config=text, vision_config=vision, image_token_index=image_token)
        return VisionLanguage(LlavaForConditionalGeneration(config), image_token), image_token
    finally:
        torch.set_default_dtype(torch.float32)


def large(rounds: int) -> dict[str, float]:
    vlm, image_token = large_model()
    draw = np.random.default_rng(1)
    pixels = {"pixel_values": torch.randn(1, 3, 224, 224)}
    text = draw.integers(10, 30_000, TEXT_TOKENS).tolist()
    questions = tuple(tuple(draw.integers(10, 30_000, QUESTION_TOKENS).tolist()) for _ in range(QUESTIONS))
    features = vlm.see(pixels)
    prompt = [*text, *[image_token] * features.tokens[0]]
    prefix = vlm.encode(prompt, features)
    decoding = vlm.begin(prefix, questions[0])

    @torch.inference_mode()
    def fresh() -> None:
        given = {"pixel_values": pixels["pixel_values"].to(vlm.dtype)}
        ids = torch.tensor([[*prompt, *questions[0]]])
        last = torch.tensor([ids.shape[1] - 1])  # a slice would copy the output layer and flatter the forks
        vlm.model(input_ids=ids, **given, use_cache=False, logits_to_keep=last)

    def decode() -> None:
        nonlocal decoding
        for _ in range(DECODED):
            decoding = vlm.extend(decoding, (5,))

    seconds = cpu_seconds(
        {
            "fresh_1": fresh,
            "encode": lambda: vlm.encode(prompt, vlm.see(pixels)),
            "forked_16": lambda: vlm.logits([Row(prefix, questions, ends(questions))]),
            "further_1": lambda: vlm.begin(prefix, questions[1]),
            f"decode_{DECODED}": decode,
        },
        rounds,
    )
    language = [*vlm.model.model.language_model.parameters()]
    return {
        **seconds,
        "fresh_16": QUESTIONS * seconds["fresh_1"],
        "parameters_billion": sum(parameter.numel() for parameter in language) / 1e9,
        "floor_per_token": sum(parameter.nbytes for parameter in language) / bandwidth(),
        "per_token": seconds[f"decode_{DECODED}"] / DECODED,
    }


def bandwidth(size: int = 1 << 28) -> float:
    """Bytes a second, read and written, of the best of twenty copies of `size` bytes by one thread."""
    source, target = torch.ones(size, dtype=torch.uint8), torch.empty(size, dtype=torch.uint8)
    best = float("inf")
    for _ in range(20):
        start = time.process_time()
        target.copy_(source)
        best = min(best, time.process_time() - start)
    return 2 * size / best


def judged(part: str, seconds: dict[str, float]) -> dict[str, object]:
    ratios = {
        "questions": seconds["fresh_16"] / seconds["forked_16"],
        "questions_with_encoding": seconds["fresh_16"] / (seconds["encode"] + seconds["forked_16"]),
        "first_token": seconds["further_1"] / seconds["fresh_1"],
    }
    if "per_token" in seconds:
        ratios["decode_of_floor"] = seconds["floor_per_token"] / seconds["per_token"]
    met = {
        name: ratios[name] <= bar if name == "first_token" else ratios[name] >= bar for name, bar in BARS[part].items()
    }
    return {
        "measured": {name: round(value, 5) for name, value in seconds.items()},
        "ratios": {name: round(value, 3) for name, value in ratios.items()},
        "bars": BARS[part],
        "met": met,
    }


def table(results: dict[str, dict[str, object]], load: float) -> str:
    rows = ["| model | measure | ratio | bar | met |", "|---|---|---|---|---|"]
    words = {
        "questions": "16 fresh calls / 16 forked questions",
        "questions_with_encoding": "16 fresh calls / encoding and 16 forked questions",
        "first_token": "first token of a further question / of the first",
        "decode_of_floor": "floor of memory bandwidth / time of a token",
    }
    for part, result in results.items():
        ratios, bars, met = result["ratios"], result["bars"], result["met"]
        assert isinstance(ratios, dict)
        assert isinstance(bars, dict)
        assert isinstance(met, dict)
        for name, ratio in ratios.items():
            bar = f"{'≤' if name == 'first_token' else '≥'} {bars[name]}" if name in bars else "–"
            rows.append(f"| {part} | {words[name]} | {ratio:.2f} | {bar} | {_said(met.get(name))} |")
    return "\n".join([*rows, "", f"One thread, CPU time, medians; load average before: {load:.1f}.", ""])


def _said(met: object) -> str:
    return "–" if met is None else ("yes" if met else "no")


def _kept(measured: list[str] | None) -> dict[str, dict[str, object]]:
    """Results of the part that was not measured this time."""
    path = RESULTS / "encode_once.json"
    if not measured or not path.is_file():
        return {}
    before = json.loads(path.read_text())
    return {part: before[part] for part in BARS if part in before and part not in measured}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--part", choices=sorted(BARS), action="append")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    load = os.getloadavg()[0]
    measures = {"embedded": lambda: embedded(arguments.rounds), "large": lambda: large(max(1, arguments.rounds // 3))}
    results = {part: judged(part, measures[part]()) for part in arguments.part or measures}
    results = _kept(arguments.part) | results
    RESULTS.mkdir(exist_ok=True)
    report = {"rounds": arguments.rounds, "load_average": round(load, 1), **results}
    (RESULTS / "encode_once.json").write_text(json.dumps(report, indent=2) + "\n")
    (RESULTS / "encode_once.md").write_text(words := table(results, load))
    print(words)


if __name__ == "__main__":
    main()
