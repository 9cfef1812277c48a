"""Where findings are: boxes of what stands, cut to their image."""

from __future__ import annotations

from dataclasses import dataclass

from dicom_node.report.document import Draft, NotReportable
from dicom_node.report.images import SourceImage
from dicom_node.report.statements import Statement, content
from dicom_node.report.version import Version, version_of
from medvlm.contract import Box
from medvlm.vocabulary import term


@dataclass(frozen=True)
class Region:
    """One box of one finding. `index` counts the finding's boxes from 0 as they were given."""

    finding: Statement
    index: int
    box: Box
    image: SourceImage

    @property
    def label(self) -> str:
        """The finding's name, numbered where it has several boxes."""
        display = term(self.finding.name).display
        return f"{display} {self.index + 1}" if len(self.finding.evidence) > 1 else display


def regions(report: Draft | Version, images: tuple[SourceImage, ...]) -> tuple[Region, ...]:
    """The boxes to be drawn, in the order of the findings. What is absent is nowhere: it has none.

    Raises `NotReportable` for a box on an image that is not among the sources.
    """
    return tuple(
        Region(finding, index, box, source)
        for finding, index, whole, source in _boxes(report, images)
        if (box := source.clip(whole)) is not None
    )


def regions_left_out(report: Draft | Version, images: tuple[SourceImage, ...]) -> list[str]:
    """A sentence for every box that lies outside its image."""
    return [
        f"Warning: a region of {term(finding.name).display.lower()} lies outside the image and was left out."
        for finding, _, box, source in _boxes(report, images)
        if source.clip(box) is None
    ]


def _boxes(report: Draft | Version, images: tuple[SourceImage, ...]) -> list[tuple[Statement, int, Box, SourceImage]]:
    by_uid = {image.sop_instance_uid: image for image in images}
    return [
        (finding, index, box, _image_of(box, by_uid))
        for finding in content(version_of(report)).statements
        if finding.presence != "absent"
        for index, box in enumerate(finding.evidence)
    ]


def _image_of(box: Box, by_uid: dict[str, SourceImage]) -> SourceImage:
    try:
        return by_uid[box.sop_instance_uid]
    except KeyError:
        raise NotReportable(
            "a region lies on an image that is not among the sources",
            where=box.sop_instance_uid,
            way_out="Give the headers of all images that the reading used.",
        ) from None
