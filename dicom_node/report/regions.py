"""Where findings are: boxes of the reading, cut to their image."""

from __future__ import annotations

from dataclasses import dataclass

from dicom_node.report.document import Draft, NotReportable
from dicom_node.report.images import SourceImage
from medvlm.contract import Box, Finding
from medvlm.vocabulary import term


@dataclass(frozen=True)
class Region:
    """One box of one finding. `index` counts the finding's boxes from 0 as the reading gives them."""

    finding: Finding
    index: int
    box: Box
    image: SourceImage

    @property
    def label(self) -> str:
        """The finding's name, numbered where it has several boxes."""
        display = term(self.finding.name).display
        return f"{display} {self.index + 1}" if len(self.finding.evidence) > 1 else display


def regions(draft: Draft, images: tuple[SourceImage, ...]) -> tuple[Region, ...]:
    """The boxes to be drawn, in the order of the reading. What is absent is nowhere: it has none.

    Raises `NotReportable` for a box on an image that is not among the sources.
    """
    return tuple(
        Region(finding, index, box, source)
        for finding, index, whole, source in _boxes(draft, images)
        if (box := source.clip(whole)) is not None
    )


def regions_left_out(draft: Draft, images: tuple[SourceImage, ...]) -> list[str]:
    """A sentence for every box that lies outside its image."""
    return [
        f"Warning: a region of {term(finding.name).display.lower()} lies outside the image and was left out."
        for finding, _, box, source in _boxes(draft, images)
        if source.clip(box) is None
    ]


def _boxes(draft: Draft, images: tuple[SourceImage, ...]) -> list[tuple[Finding, int, Box, SourceImage]]:
    by_uid = {image.sop_instance_uid: image for image in images}
    return [
        (finding, index, box, _image_of(box, by_uid))
        for finding in draft.reading.findings
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
