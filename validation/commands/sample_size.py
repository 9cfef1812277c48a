"""`medvlm-validate sample-size …`: how many positives, and with their share how many studies, a question needs."""

from __future__ import annotations

from typing import Annotated

import typer

Prevalence = Annotated[float | None, typer.Option(min=0.0001, max=1, help="Share of studies with the finding.")]
PowerOption = Annotated[float, typer.Option("--power", min=0.5, max=0.999)]
OneSided = Annotated[float, typer.Option("--alpha", min=0.0001, max=0.5, help="One-sided.")]
Ratio = Annotated[float, typer.Option("--negatives-per-positive", min=0.05, max=1000)]
Images = Annotated[float, typer.Option("--images-per-patient", min=1, help="The mean; with --within-patient.")]
Within = Annotated[float, typer.Option("--within-patient", min=0, max=1, help="Correlation in a patient, by a pilot.")]
AsJson = Annotated[bool, typer.Option("--json", help="As one JSON object.")]

sample_size = typer.Typer(help="How many positives a question needs; they run out, not the studies.")


def add_to(app: typer.Typer) -> None:
    app.add_typer(sample_size, name="sample-size", no_args_is_help=True)


@sample_size.command()
def width(
    share: Annotated[float, typer.Argument(min=0.001, max=0.999, help="Expected sensitivity or other share.")],
    half_width: Annotated[float, typer.Argument(min=0.001, max=0.5, help="Half the interval's width.")],
    level: Annotated[float, typer.Option(min=0.5, max=0.999)] = 0.95,
    prevalence: Prevalence = None,
    images_per_patient: Images = 1.0,
    within_patient: Within = 0.0,
    as_json: AsJson = False,
) -> None:
    """A sensitivity known to ± HALF_WIDTH (Buderer)."""
    from validation.commands.sample_size_answers import Clusters, say
    from validation.statistics.sample_size import positives_for_width

    question = f"{share:g} ± {half_width:g} at {level:.0%}"
    positives = positives_for_width(share, half_width, level)
    say(question, positives, prevalence, Clusters(images_per_patient, within_patient), as_json)


@sample_size.command()
def criterion(
    truth: Annotated[float, typer.Argument(min=0.001, max=0.999, help="What the share is believed to be.")],
    bar: Annotated[float, typer.Argument(min=0.001, max=0.999, help="What its lower bound has to reach.")],
    power: PowerOption = 0.8,
    alpha: OneSided = 0.05,
    prevalence: Prevalence = None,
    images_per_patient: Images = 1.0,
    within_patient: Within = 0.0,
    as_json: AsJson = False,
) -> None:
    """A criterion "lower bound at least BAR" (Wilson's bound, exact binomial power)."""
    from validation.commands.sample_size_answers import Clusters, possible, say
    from validation.statistics.sample_size import positives_for_lower_bound

    question = f"lower bound at least {bar:g} where the truth is {truth:g}, power {power:g}, one-sided {alpha:g}"
    with possible(question):
        positives = positives_for_lower_bound(truth, bar, power, alpha)
    say(question, positives, prevalence, Clusters(images_per_patient, within_patient), as_json)


@sample_size.command()
def auroc(
    area: Annotated[float, typer.Argument(min=0.501, max=0.999, help="What the AUROC is believed to be.")],
    against: Annotated[float, typer.Option(min=0.5, max=0.998, help="What it has to be above.")] = 0.5,
    power: PowerOption = 0.9,
    alpha: OneSided = 0.025,
    negatives_per_positive: Ratio = 1.0,
    prevalence: Prevalence = None,
    images_per_patient: Images = 1.0,
    within_patient: Within = 0.0,
    as_json: AsJson = False,
) -> None:
    """An AUROC above a value (Obuchowski and McClish); the prevalence, if given, is the share of positives."""
    from validation.commands.sample_size_answers import Clusters, possible, ratio_of, say
    from validation.statistics.sample_size import positives_for_auroc

    ratio = ratio_of(prevalence, negatives_per_positive)
    question = f"AUROC {area:g} above {against:g}, power {power:g}, one-sided {alpha:g}, {ratio:.4g} negatives each"
    with possible(question, unless=area <= against):
        positives = positives_for_auroc(area, against, power, alpha, ratio)
    say(question, positives, 1 / (1 + ratio), Clusters(images_per_patient, within_patient), as_json)


@sample_size.command("noninferior-auroc")
def noninferior_auroc(
    old: Annotated[float, typer.Argument(min=0.501, max=0.999, help="AUROC of the model that there is.")],
    new: Annotated[float, typer.Argument(min=0.501, max=0.999, help="What that of the new one is believed to be.")],
    margin: Annotated[float, typer.Argument(min=0.001, max=0.3, help="How much worse it may be.")],
    correlation: Annotated[float, typer.Option(min=-1, max=0.999, help="Of the two areas, by a pilot.")],
    power: PowerOption = 0.8,
    alpha: OneSided = 0.025,
    negatives_per_positive: Ratio = 1.0,
    prevalence: Prevalence = None,
    images_per_patient: Images = 1.0,
    within_patient: Within = 0.0,
    as_json: AsJson = False,
) -> None:
    """A new model no worse than the old one by MARGIN, both on the same studies."""
    from validation.commands.sample_size_answers import Clusters, possible, ratio_of, say
    from validation.statistics.sample_size import positives_for_noninferior_auroc

    ratio = ratio_of(prevalence, negatives_per_positive)
    question = f"AUROC {new:g} not worse than {old:g} by {margin:g}, areas correlated {correlation:g}, power {power:g}"
    with possible(question):
        positives = positives_for_noninferior_auroc(old, new, margin, correlation, power, alpha, ratio)
    say(question, positives, 1 / (1 + ratio), Clusters(images_per_patient, within_patient), as_json)


@sample_size.command("reader-study")
def reader_study(
    effect: Annotated[float, typer.Argument(min=0.001, max=0.5, help="Difference in AUROC worth finding.")],
    readers: Annotated[list[int], typer.Argument(min=2, help="Numbers of readers to plan for.")],
    interaction: Annotated[float, typer.Option(min=0, help="Var(TR) of the pilot.")],
    variance: Annotated[float, typer.Option(min=0)],
    same_reader: Annotated[float, typer.Option(help="Cov1.")],
    same_modality: Annotated[float, typer.Option(help="Cov2.")],
    neither: Annotated[float, typer.Option(help="Cov3.")],
    pilot_cases: Annotated[int, typer.Option(min=1)],
    power: PowerOption = 0.8,
    alpha: Annotated[float, typer.Option(min=0.0001, max=0.5, help="Two-sided.")] = 0.05,
    as_json: AsJson = False,
) -> None:
    """Cases for a reader study of two modalities, from the components that `reader-study` gives for a pilot."""
    from validation.commands.sample_size_answers import say_cases
    from validation.statistics.mrmc_sample_size import Pilot, cases_for

    pilot = Pilot(
        interaction=interaction,
        variance=variance,
        same_reader=same_reader,
        same_modality=same_modality,
        neither=neither,
        cases=pilot_cases,
    )
    question = f"difference {effect:g}, power {power:g}, two-sided {alpha:g}"
    say_cases(question, {each: cases_for(pilot, each, effect, power, alpha) for each in readers}, as_json)
