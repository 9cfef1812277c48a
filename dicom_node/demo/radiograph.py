"""The film of a CT as a Digital X-Ray Image for Presentation (PS3.3 A.26)."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence

import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.sr.coding import Code
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian

from dicom_node.demo.projection import Film, Tube, Volume
from dicom_node.report.uids import derived_uid

DEMO = uuid.UUID("d2f3b8a4-6c0e-5e0a-8a57-0f7d1c5b9e36")
"""Namespace of the demo's own UIDs: the projection is a study of its own, the same at every run."""

CHEST = Code("816094009", "SCT", "Chest")  # PS3.16 CID 4009
POSTERO_ANTERIOR = Code("272479007", "SCT", "postero-anterior")  # PS3.16 CID 4010
SOURCE_IMAGE = Code("121322", "DCM", "Source image for image processing operation")  # PS3.16 CID 7202
PADDING_HU = -1024


def volume(slices: Sequence[Dataset]) -> Volume:
    """An axial CT series as a volume, in any order given. Raises `ValueError` unless upright and evenly spaced."""
    ordered = sorted(slices, key=lambda each: float(each.ImagePositionPatient[2]))
    if any(list(map(float, each.ImageOrientationPatient)) != [1, 0, 0, 0, 1, 0] for each in ordered):
        raise ValueError("the slices are not axial")
    heights = np.array([float(each.ImagePositionPatient[2]) for each in ordered])
    steps = np.diff(heights)
    if steps.size == 0 or not np.allclose(steps, steps[0], atol=0.01) or steps[0] <= 0:
        raise ValueError("the slices are not evenly spaced")
    x, y, z = map(float, ordered[0].ImagePositionPatient)
    row_mm, column_mm = map(float, ordered[0].PixelSpacing)
    units = np.stack([_hounsfield(each) for each in ordered])
    return Volume(units, (x, y, z), (column_mm, row_mm, float(steps[0])))


def _hounsfield(image: Dataset) -> np.ndarray[tuple[int, ...], np.dtype[np.int16]]:
    units = image.pixel_array * float(image.RescaleSlope) + float(image.RescaleIntercept)
    return np.clip(units, PADDING_HU, np.iinfo(np.int16).max).astype(np.int16)


def radiograph(film: Film, slices: Sequence[Dataset], tube: Tube, citation: str) -> Dataset:
    """The DX object. Patient and dates are those of the CT; study, series and instance are its own."""
    source = slices[0]
    image = Dataset()
    image.SpecificCharacterSet = "ISO_IR 100"
    _identify(image, film, str(source.SeriesInstanceUID))
    _patient_and_study(image, source)
    _equipment(image)
    _acquisition(image, film, tube)
    _derivation(image, slices, citation)
    _pixels(image, film)
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return image


def _identify(image: Dataset, film: Film, series_of_source: str) -> None:
    content = hashlib.sha256(film.pixels.tobytes()).hexdigest()
    image.SOPClassUID = DigitalXRayImageStorageForPresentation
    image.SOPInstanceUID = derived_uid(DEMO, "film", series_of_source, content)
    image.StudyInstanceUID = derived_uid(DEMO, "study", series_of_source)
    image.SeriesInstanceUID = derived_uid(DEMO, "series", series_of_source)
    image.StudyID = "1"
    image.SeriesNumber = 1
    image.InstanceNumber = 1


def _patient_and_study(image: Dataset, source: Dataset) -> None:
    for keyword in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "AccessionNumber"):
        setattr(image, keyword, source.get(keyword, ""))
    image.PatientIdentityRemoved = "YES"
    image.DeidentificationMethod = source.get("DeidentificationMethod", "as received")
    image.ReferringPhysicianName = ""
    image.StudyDate = image.SeriesDate = image.AcquisitionDate = image.ContentDate = source.get("StudyDate", "")
    image.StudyTime = image.SeriesTime = image.AcquisitionTime = image.ContentTime = "000000"
    image.StudyDescription = "Chest, frontal projection of a CT"
    image.SeriesDescription = "PA projection of a chest CT"


def _equipment(image: Dataset) -> None:
    image.Manufacturer = "medvlm"
    image.ManufacturerModelName = "dicom-node demo"
    image.SoftwareVersions = "projection 1"


def _acquisition(image: Dataset, film: Film, tube: Tube) -> None:
    image.Modality = "DX"
    image.PresentationIntentType = "FOR PRESENTATION"
    image.BodyPartExamined = "CHEST"
    image.ImageLaterality = "U"
    image.AnatomicRegionSequence = _coded(CHEST)
    image.PatientOrientation = ["L", "F"]
    image.ViewPosition = "PA"
    image.ViewCodeSequence = _coded(POSTERO_ANTERIOR)
    image.ViewCodeSequence[0].ViewModifierCodeSequence = DicomSequence()
    image.DistanceSourceToDetector = tube.source_to_detector
    image.ImagerPixelSpacing = [film.pixel_mm, film.pixel_mm]
    image.DetectorType = image.PositionerType = ""
    image.AcquisitionContextSequence = DicomSequence()


def _derivation(image: Dataset, slices: Sequence[Dataset], citation: str) -> None:
    image.ImageType = ["DERIVED", "PRIMARY"]
    image.DerivationDescription = (
        "Postero-anterior projection of a chest CT: attenuation summed along rays from a point source, "
        "table removed, cropped to the chest, edges and contrast adjusted. Not an exposure of an X-ray detector."
    )
    image.ImageComments = citation
    image.SourceImageSequence = DicomSequence(_reference(each) for each in slices)
    image.LossyImageCompression = "00"


def _reference(source: Dataset) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = source.SOPClassUID
    item.ReferencedSOPInstanceUID = source.SOPInstanceUID
    item.PurposeOfReferenceCodeSequence = _coded(SOURCE_IMAGE)
    return item


def _pixels(image: Dataset, film: Film) -> None:
    image.Rows, image.Columns = film.pixels.shape
    image.SamplesPerPixel = 1
    image.PhotometricInterpretation = "MONOCHROME2"
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 12, 11, 0
    image.PixelIntensityRelationship = "LOG"
    image.PixelIntensityRelationshipSign = -1
    image.RescaleIntercept, image.RescaleSlope, image.RescaleType = 0, 1, "US"
    image.PresentationLUTShape = "IDENTITY"
    image.WindowCenter, image.WindowWidth = (film.peak + 1) // 2, film.peak + 1
    image.BurnedInAnnotation = "NO"
    image.PixelData = film.pixels.astype("<u2").tobytes()


def _coded(code: Code) -> DicomSequence:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code.value, code.scheme_designator, code.meaning
    return DicomSequence([item])
