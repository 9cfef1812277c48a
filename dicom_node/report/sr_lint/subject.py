"""The object under the lint: its data set, its content items with their places, and the images it speaks of.

Everything here is total: an object with missing or unreadable elements gives empty values, never an exception.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from pydicom.dataset import Dataset
from pydicom.uid import (
    BasicTextSRStorage,
    Comprehensive3DSRStorage,
    ComprehensiveSRStorage,
    EnhancedSRStorage,
    KeyObjectSelectionDocumentStorage,
)

from dicom_node.report.codes import code_table
from dicom_node.report.header import read_text
from dicom_node.report.sr_lint.nested import Nested, nested
from medvlm.vocabulary import Code

REPORTS = frozenset({Comprehensive3DSRStorage, ComprehensiveSRStorage, EnhancedSRStorage, BasicTextSRStorage})
TREES = REPORTS | {KeyObjectSelectionDocumentStorage}

CodeKey = tuple[str, str]
"""(value, scheme)."""


def key(code: Code) -> CodeKey:
    return code.value, code.scheme


def sequence(dataset: Dataset, keyword: str) -> tuple[Dataset, ...]:
    """The items of a sequence; none where it is absent or unreadable."""
    try:
        return tuple(dataset.get(keyword) or ())
    except Exception:
        # Parsing happens on access, and foreign bytes raise whatever the parser happens to trip over.
        return ()


def first(dataset: Dataset, keyword: str) -> Dataset:
    return next(iter(sequence(dataset, keyword)), Dataset())


def coded(dataset: Dataset, keyword: str) -> CodeKey:
    """(value, scheme) of the first code of a sequence, ("", "") without one."""
    code = first(dataset, keyword)
    return read_text(code, "CodeValue"), read_text(code, "CodingSchemeDesignator")


@dataclass(frozen=True)
class StatedCode:
    """A Code Sequence item (PS3.3 8.8), "" for what it lacks."""

    where: str
    value: str
    scheme: str
    meaning: str


@dataclass(frozen=True, eq=False)
class Item:
    """A content item. `place` counts from 1 at every level, the root is (1,): the numbering of dsrdump."""

    dataset: Dataset
    place: tuple[int, ...]
    value_type: str
    relationship: str
    name: CodeKey
    children: tuple[Item, ...]

    @property
    def where(self) -> str:
        known = code_table().get(self.name)
        return f"{'.'.join(map(str, self.place))} {known.meaning if known else self.value_type}".rstrip()

    def walk(self) -> Iterator[Item]:
        """The item and all below it, in the order of the document."""
        yield self
        for child in self.children:
            yield from child.walk()

    def named(self, *names: Code) -> tuple[Item, ...]:
        """The direct children with one of these concept names."""
        wanted = {key(name) for name in names}
        return tuple(child for child in self.children if child.name in wanted)

    @property
    def code(self) -> CodeKey:
        return coded(self.dataset, "ConceptCodeSequence")

    def text(self, keyword: str = "TextValue") -> str:
        return read_text(self.dataset, keyword)

    @property
    def reference(self) -> Dataset:
        return first(self.dataset, "ReferencedSOPSequence")


def content_item(dataset: Dataset, place: tuple[int, ...]) -> Item:
    children = sequence(dataset, "ContentSequence")
    return Item(
        dataset=dataset,
        place=place,
        value_type=read_text(dataset, "ValueType"),
        relationship=read_text(dataset, "RelationshipType"),
        name=coded(dataset, "ConceptNameCodeSequence"),
        children=tuple(content_item(child, (*place, number)) for number, child in enumerate(children, 1)),
    )


@dataclass(frozen=True, eq=False)
class Subject:
    """`sources`: headers of the images read, without those that the object does not name."""

    document: Dataset
    sources: tuple[Dataset, ...]

    @property
    def sop_class_uid(self) -> str:
        return read_text(self.document, "SOPClassUID")

    @property
    def is_report(self) -> bool:
        return self.sop_class_uid in REPORTS

    @property
    def is_tree(self) -> bool:
        return self.sop_class_uid in TREES

    def value(self, keyword: str) -> str:
        return read_text(self.document, keyword)

    @cached_property
    def root(self) -> Item:
        return content_item(self.document, (1,))

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """Every content item; none for an object without a tree."""
        return tuple(self.root.walk()) if self.is_tree else ()

    def everywhere(self, *names: Code) -> tuple[Item, ...]:
        """The content items with one of these concept names, at any depth."""
        wanted = {key(name) for name in names}
        return tuple(item for item in self.items if item.name in wanted)

    @cached_property
    def nested(self) -> tuple[Nested, ...]:
        return tuple(nested(self.document))

    @cached_property
    def codes(self) -> tuple[StatedCode, ...]:
        """Every code, at any depth."""
        words = ("CodeValue", "CodingSchemeDesignator", "CodeMeaning")
        return tuple(
            StatedCode(it.where, *(read_text(it.dataset, word) for word in words))
            for it in self.nested
            if "CodeMeaning" in it.dataset or "CodingSchemeDesignator" in it.dataset
        )

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The words of the tree, in the order in which a viewer prints them."""
        return tuple(it.text() for it in self.items if it.value_type == "TEXT" and it.relationship == "CONTAINS")


def subject(document: Dataset, sources: Sequence[Dataset]) -> Subject:
    """Keeps the sources that the document names as evidence; all of them where it names none."""
    named = {read_text(one, "ReferencedSOPInstanceUID") for one in evidence(document)}
    used = tuple(one for one in sources if read_text(one, "SOPInstanceUID") in named)
    return Subject(document, used or tuple(sources))


def evidence(document: Dataset) -> Iterator[Dataset]:
    """Every instance that the object declares as evidence (PS3.3 C.17.2)."""
    for keyword in ("CurrentRequestedProcedureEvidenceSequence", "PertinentOtherEvidenceSequence"):
        yield from references(sequence(document, keyword))


def references(studies: Iterable[Dataset]) -> Iterator[Dataset]:
    """The instances of a Hierarchical SOP Instance Reference (PS3.3 C.17.2.1)."""
    for study in studies:
        for series in sequence(study, "ReferencedSeriesSequence"):
            yield from sequence(series, "ReferencedSOPSequence")
