"""`medvlm models`: which families are known, what a folder of weights costs, and whether it fits.

Exit status as `medvlm`: 0 done, 2 bad input, 3 a check that does not fit. Nothing heavy is imported before a command
runs.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from medvlm.families.cost import Cost
    from medvlm.families.profile import BoxConvention, Family
    from medvlm.imaging.images import FloatArray

DONE, BAD_INPUT, PARTLY_FAILED = 0, 2, 3

models = typer.Typer(help="Families of models: what is known of them, what they cost, whether yours fits.")

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


@models.callback(invoke_without_command=True)
def known(context: typer.Context, as_json: AsJson = False) -> None:
    """List the families: licence, order of the prompt, boxes, what is not confirmed."""
    if context.invoked_subcommand is not None:
        return
    from medvlm.families.registry import families

    for family in families():
        typer.echo(json.dumps(_described(family)) if as_json else _in_words(family))


@models.command()
def cost(
    folders: Annotated[list[Path], typer.Argument(help="Folders of weights as Hugging Face saves them.")],
    as_json: AsJson = False,
) -> None:
    """Parameters, memory and cache of weights, without loading them."""
    from medvlm.errors import BadModelFolder
    from medvlm.families.cost import cost as reckon

    failed = 0
    for folder in folders:
        try:
            reckoned = reckon(folder)
        except BadModelFolder as error:
            typer.echo(f"medvlm: {error}", err=True)
            failed += 1
            continue
        typer.echo(json.dumps({"folder": str(folder), **asdict(reckoned)}) if as_json else _costs(folder, reckoned))
    if failed:
        raise typer.Exit(BAD_INPUT if failed == len(folders) else PARTLY_FAILED)


@models.command()
def check(
    folder: Annotated[Path, typer.Argument(help="Folder of weights as Hugging Face saves them.")],
    image: Annotated[list[Path] | None, typer.Option(help="Films to show it; default: drawn ones.")] = None,
    adapter: Annotated[list[str] | None, typer.Option(help="NAME=FOLDER of a LoRA adapter.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:N.")] = "cpu",
    dtype: Annotated[
        Literal["auto", "float32", "bfloat16", "float16"], typer.Option(help="auto: as the weights are stored.")
    ] = "auto",
    as_json: AsJson = False,
) -> None:
    """Try every step of a study on weights of yours and say what does not fit."""
    from medvlm.engine.load_settings import LoadSettings
    from medvlm.engine.model_check import check_folder
    from medvlm.families.registry import family_of

    settings = LoadSettings(device=device, dtype=dtype, adapters=_adapters(adapter or []))
    if (family := family_of(folder)).research_only:
        typer.echo(f"{family.title} may be used for research only: {family.licence}", err=True)
    checks = check_folder(folder, settings, [_film(path) for path in image or []])
    for one in checks:
        typer.echo(json.dumps(asdict(one)) if as_json else f"{one.outcome:<13}{one.name:<24}{one.words}")
    if any(one.outcome == "does not fit" for one in checks):
        raise typer.Exit(PARTLY_FAILED)


def _adapters(named: list[str]) -> dict[str, Path]:
    from medvlm.errors import BadModelFolder

    pairs = [text.partition("=") for text in named]
    if wrong := [text for text, (name, _, path) in zip(named, pairs, strict=True) if not (name and path)]:
        raise BadModelFolder(f"{wrong[0]!r} names no adapter", way_out="Write --adapter NAME=FOLDER.")
    return {name: Path(path) for name, _, path in pairs}


def _film(path: Path) -> FloatArray:
    from medvlm.errors import UnreadableImage
    from medvlm.imaging.study import load_study
    from medvlm.inputs import study_input

    images = load_study(study_input(path), None)
    if not images.radiographs:
        raise UnreadableImage("no film can be read", where=str(path))
    return images.radiographs[0].pixels


def _described(family: Family) -> dict[str, object]:
    return {
        "name": family.name,
        "title": family.title,
        "architectures": family.architectures,
        "loader": family.loader,
        "licence": family.licence,
        "research_only": family.research_only,
        "prompt": family.order,
        "images": asdict(family.images),
        "boxes": asdict(family.boxes) if family.boxes else None,
        "volumes": family.volumes,
        "source": family.source,
        "unconfirmed": family.unconfirmed,
    }


_LOADERS = {
    "native": "a class of transformers",
    "hub_code": "code beside the weights, which has to be allowed by digest",
    "server_only": "behind an OpenAI-compatible server in an environment of its own",
}


def _in_words(family: Family) -> str:
    lines = [
        f"{family.title}  [{family.name}]",
        f"  Licence: {family.licence}" + (" (RESEARCH ONLY)" if family.research_only else ""),
        f"  Class: {', '.join(family.architectures)}; {_LOADERS[family.loader]}",
        f"  Prompt: {family.order}",
        f"  Images: up to {family.images.most}, {_size(family)}" + ("; CT and MR as slices" if family.volumes else ""),
        f"  Boxes: {_boxes(family.boxes)}",
        f"  Source: {family.source}",
    ]
    return "\n".join([*lines, *(f"  Not confirmed: {words}" for words in family.unconfirmed)])


def _size(family: Family) -> str:
    if not family.images.side:
        return "tokens by their size"
    return f"{family.images.side} pixels a side, {family.images.tokens} tokens each"


_FRAMES = {
    "whole": "the image",
    "padded_square": "the image padded to a square",
    "centre_crop": "its central square",
    "resized": "the resized image",
}


def _boxes(convention: BoxConvention | None) -> str:
    if convention is None:
        return "none"
    order = "y first" if convention.order == "yxyx" else "x first"
    scale = f"0–{convention.scale}" if convention.scale else "pixels"
    return f"{order}, {scale}{' bins' if convention.bins else ''} of {_FRAMES[convention.frame]}"


def _costs(folder: Path, reckoned: Cost) -> str:
    memory = ", ".join(f"{_bytes(size)} in {kind}" for kind, size in reckoned.memory.items())
    lines = [
        f"{folder}: {reckoned.family}, {reckoned.parameters / 1e6:,.1f} million parameters",
        f"  Licence: {reckoned.licence}" + (" (RESEARCH ONLY)" if reckoned.research_only else ""),
        f"  Weights: {memory}",
        f"  Cache: {reckoned.cache_per_token / 1024:,.1f} KiB a token; a film of {reckoned.film_tokens} tokens"
        f" {_bytes(reckoned.film_cache)}",
    ]
    if reckoned.volume_tokens:
        lines.append(f"  A volume of {reckoned.volume_tokens:,} tokens {_bytes(reckoned.volume_cache)}")
    return "\n".join(lines)


def _bytes(size: int) -> str:
    return f"{size / 1e9:.2f} GB" if size >= 1e9 else f"{size / 1e6:.2f} MB"
