"""Small data sets in the layouts in which the large ones are published, traps included. All in them is invented."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

CHEXPERT_HEADER = (
    "Path,Sex,Age,Frontal/Lateral,AP/PA,No Finding,Enlarged Cardiomediastinum,Cardiomegaly,Lung Opacity,Lung Lesion,"
    "Edema,Consolidation,Pneumonia,Atelectasis,Pneumothorax,Pleural Effusion,Pleural Other,Fracture,Support Devices"
)
MIMIC_LABELS = (
    "Atelectasis,Cardiomegaly,Consolidation,Edema,Enlarged Cardiomediastinum,Fracture,Lung Lesion,Lung Opacity,"
    "No Finding,Pleural Effusion,Pleural Other,Pneumonia,Pneumothorax,Support Devices"
)
VINDR_HEADER = (
    "Aortic enlargement,Atelectasis,Calcification,Cardiomegaly,Clavicle fracture,Consolidation,Edema,Emphysema,"
    "Enlarged PA,ILD,Infiltration,Lung Opacity,Lung cavity,Lung cyst,Mediastinal shift,Nodule/Mass,Pleural effusion,"
    "Pleural thickening,Pneumothorax,Pulmonary fibrosis,Rib fracture,Other lesion,COPD,Lung tumor,Pneumonia,"
    "Tuberculosis"
)
VINDR_COLUMNS = VINDR_HEADER.split(",")
PADCHEST_HEADER = (
    ",ImageID,ImageDir,StudyDate_DICOM,StudyID,PatientID,PatientBirth,PatientSex_DICOM,ViewPosition_DICOM,Projection,"
    "MethodProjection,Pediatric,Modality_DICOM,Manufacturer_DICOM,ReportID,Report,MethodLabel,Labels,Localizations,"
    "LabelsLocalizationsBySentence,labelCUIS,LocalizationsCUIS"
)


def put(path: Path, content: str | bytes = b"") -> Path:
    """A file, with its folders; without content its bytes are its name, so that no two images are the same."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content or str(path.name).encode())
    return path


def lines(path: Path, *rows: str) -> Path:
    return put(path, "\n".join(rows) + "\n")


def rows(path: Path, header: Sequence[str], body: Iterable[Sequence[object]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *body])
    return path


def nih(root: Path) -> Path:
    for name in ("00000001_000.png", "00000002_000.png", "00000003_000.png"):
        put(root / "images_001" / "images" / name)
    lines(
        root / "Data_Entry_2017_v2020.csv",
        "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
        "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]",
        "00000001_000.png,Cardiomegaly|Effusion,0,1,57,M,PA,2682,2749,0.143,0.143",
        "00000002_000.png,No Finding,0,2,414Y,F,AP,2500,2048,0.168,0.168",
        "00000003_000.png,Infiltration,0,3,031Y,F,PA,2500,2048,0.168,0.168",
        "00000004_000.png,Mass,0,4,31,F,PA,2500,2048,0.168,0.168",
    )
    lines(
        root / "BBox_List_2017.csv",
        "Image Index,Finding Label,Bbox [x,y,w,h],,,",
        "00000001_000.png,Cardiomegaly,100.5,200,300,150,,,",
        "00000003_000.png,Infiltrate,10,20,30,40,,,",
    )
    lines(root / "test_list.txt", "00000001_000.png", "00000002_000.png", "00000004_000.png")
    lines(root / "train_val_list.txt", "00000003_000.png")
    return root


def chexpert(root: Path) -> Path:
    """The disk holds `val/`, the table says `CheXpert-v1.0-small/valid/`."""
    for name in (
        "patient1/study1/view1_frontal.jpg",
        "patient1/study1/view2_lateral.jpg",
        "patient2/study1/view1_frontal.jpg",
    ):
        put(root / "val" / name)
    base = "CheXpert-v1.0-small/valid"
    lines(
        root / "valid.csv",
        CHEXPERT_HEADER,
        f"{base}/patient1/study1/view1_frontal.jpg,Female,68,Frontal,AP,,,1.0,,,-1.0,,,0.0,,1.0,,,1.0",
        f"{base}/patient1/study1/view2_lateral.jpg,Female,68,Lateral,,,,1.0,,,-1.0,,,0.0,,1.0,,,1.0",
        f"{base}/patient2/study1/view1_frontal.jpg,Unknown,0,Frontal,PA,1.0,,,,,,,,,0.0,,,,",
        f"{base}/patient3/study1/view1_frontal.jpg,Male,40,Frontal,PA,1.0,,,,,,,,,0.0,,,,",
    )
    return root


def mimic(root: Path) -> Path:
    """One patient with two studies: the later by date has the smaller id."""
    folder = root / "files" / "p10" / "p10000001"
    put(folder / "s59999999" / "aaa.dcm")
    put(folder / "s50000001" / "bbb.jpg")
    put(folder / "s50000001" / "ccc.jpg")
    put(folder / "s59999999.txt", "FINDINGS: Left effusion.\n")
    put(folder / "s50000001.txt", "FINDINGS: No effusion.\n")
    lines(
        root / "mimic-cxr-2.0.0-metadata.csv",
        "dicom_id,subject_id,study_id,PerformedProcedureStepDescription,ViewPosition,Rows,Columns,StudyDate,StudyTime",
        "aaa,10000001,59999999,CHEST,PA,3056,2544,21800506,93015.5",
        "bbb,10000001,50000001,CHEST,AP,3056,2544,21800506,213014.5",
        "ccc,10000001,50000001,CHEST,LATERAL,3056,2544,21800506,213014.5",
        "ddd,10000002,50000002,CHEST,AP,3056,2544,21800506,213014.5",
    )
    split = [f"{name},0,0,test" for name in ("aaa", "bbb", "ccc", "ddd")]
    lines(root / "mimic-cxr-2.0.0-split.csv", "dicom_id,study_id,subject_id,split", *split)
    blank = dict.fromkeys(MIMIC_LABELS.split(","), "")
    for study, said in (
        (59999999, {"Pleural Effusion": "1.0", "Edema": "-1.0"}),
        (50000001, {"Pleural Effusion": "0.0"}),
    ):
        row = ",".join([f"10000001,{study}", *{**blank, **said}.values()])
        path = root / "mimic-cxr-2.0.0-chexpert.csv"
        path.write_text((path.read_text() if path.exists() else f"subject_id,study_id,{MIMIC_LABELS}\n") + row + "\n")
    lines(
        root / "mimic-cxr-2.1.0-test-set-labeled.csv",
        "study_id," + MIMIC_LABELS.replace("Lung Opacity", "Airspace Opacity"),
        "59999999," + ",".join({**blank, "Lung Opacity": "1.0"}.values()),
    )
    return root


def vindr(root: Path) -> Path:
    for folder, name in (("train", "a1"), ("train", "b2"), ("test", "c3")):
        put(root / folder / f"{name}.dicom")
    labels = root / "annotations"

    def row(**present: int) -> list[int]:
        return [present.get(name.replace(" ", "_").replace("/", "_"), 0) for name in VINDR_COLUMNS]

    rows(
        labels / "image_labels_train.csv",
        ["image_id", "rad_id", *VINDR_COLUMNS, "Other diseases", "No finding"],
        [
            ["a1", "R1", *row(Cardiomegaly=1, Nodule_Mass=1), 0, 0],
            ["a1", "R2", *row(Cardiomegaly=1, Nodule_Mass=1), 0, 0],
            ["a1", "R3", *row(Edema=1), 0, 0],
            *(["b2", f"R{k}", *row(), 0, 1] for k in (1, 2, 3)),
        ],
    )
    rows(
        labels / "annotations_train.csv",
        ["image_id", "rad_id", "class_name", "x_min", "y_min", "x_max", "y_max"],
        [
            ["a1", "R1", "Cardiomegaly", 10, 20, 110, 90],
            ["a1", "R3", "Edema", 1, 2, 3, 4],
            ["b2", "R1", "No finding", *[""] * 4],
        ],
    )
    rows(
        labels / "image_labels_test.csv",
        ["image_id", *VINDR_COLUMNS, "Other disease", "No finding"],
        [["c3", *row(Pleural_effusion=1), 0, 0], ["d4", *row(), 0, 1]],
    )
    rows(
        labels / "annotations_test.csv",
        ["image_id", "class_name", "x_min", "y_min", "x_max", "y_max"],
        [["c3", "Pleural effusion", 5.5, 6, 7, 8]],
    )
    return root


def padchest(root: Path) -> Path:
    table = [
        ("s1_a.png", "0", "s1", "p1", "1930.0", "F", "PA", "Physician", "['pleural effusion ', '', ' cardiomegaly']"),
        ("s1_b.png", "0", "s1", "p1", "1930.0", "F", "L", "Physician", "['pleural effusion ', '', ' cardiomegaly']"),
        ("s2_a.png", "3", "s2", "p2", "1980.0", "M", "AP_horizontal", "Physician", "['normal']"),
        ("s3_a.png", "3", "s3", "p3", "1980.0", "M", "PA", "RNN_model", "['normal']"),
        ("s4_a.png", "3", "s4", "p4", "1980.0", "M", "PA", "Physician", "['unchanged', 'normal']"),
        ("s5_a.png", "3", "s5", "p5", "1980.0", "M", "PA", "Physician", "['exclude']"),
        ("s6_a.png", "3", "s6", "p6", "1980.0", "M", "PA", "Physician", ""),
        ("s7_a.png", "9", "s7", "p7", "None", "M", "PA", "Physician", "['normal']"),
        ("s8_a.png", "3", "s8", "p8", "1980.0", "M", "PA", "Physician", "__import__('os').getcwd()"),
    ]
    for name, folder, *_ in table:
        if folder != "9":
            put(root / folder / name)
    rows(
        root / "PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv",
        PADCHEST_HEADER.split(","),
        [
            [k, name, folder, "20140915", study, patient, birth, sex, "", view, "Manual review", "No", "CR",
             "Example", "1", "sin hallazg", method, labels, "[]", "[]", "[]", "[]"]
            for k, (name, folder, study, patient, birth, sex, view, method, labels) in enumerate(table)
        ],
    )  # fmt: skip
    return root


def open_i(root: Path) -> Path:
    reports = {
        1: (
            ["Pleural Effusion/left/small", "Cardiac Shadow/enlarged", "Thickening/pleura/right"],
            ["CXR1_1_IM-0001-3001", "CXR1_1_IM-0001-4001"],
        ),
        2: (["normal"], ["CXR2_IM-0652-1001"]),
        3: (["normal"], []),
        4: (["Technical Quality of Image Unsatisfactory "], ["CXR4_IM-1-1"]),
        5: (["Mass"], ["CXR5_IM-1-1"]),
    }
    for number, (terms, images) in reports.items():
        majors = "".join(f"<major>{term}</major>" for term in terms)
        parents = "".join(f'<parentImage id="{image}"/>' for image in images)
        text = (
            '<AbstractText Label="COMPARISON">None.</AbstractText><AbstractText Label="FINDINGS">There are no XXXX of '
        )
        text += 'edema.</AbstractText><AbstractText Label="IMPRESSION"/>'
        content = (
            f'<eCitation><uId id="CXR{number}"/><Abstract>{text}</Abstract><MeSH>{majors}</MeSH>{parents}</eCitation>'
        )
        put(root / "ecgen-radiology" / f"{number}.xml", content)
    for image in ("CXR1_1_IM-0001-3001", "CXR1_1_IM-0001-4001", "CXR2_IM-0652-1001", "CXR4_IM-1-1"):
        put(root / "NLMCXR_png" / f"{image}.png")
    return root


def vqa_rad(root: Path) -> Path:
    def row(
        qid: object, image: str, answer: object, phrase: str = "freeform", organ: str = "CHEST", kind: str = "OPEN "
    ) -> dict[str, object]:
        return {"qid": qid, "phrase_type": phrase, "image_name": image, "image_organ": organ, "question": "How many?",
                "answer": answer, "answer_type": kind, "question_type": "COUNT "}  # fmt: skip

    table = [
        row("1", "synpic1.jpg", 2),
        row(2, "synpic1.jpg", "Yes", "test_para", kind="CLOSED "),
        row("3", "synpic2.jpg", "left", "test_freeform"),
        row("4", "synpic3.jpg", "left", organ="HEAD"),
        row("5", "synpic4.jpg", " "),
        row("6", "synpic9.jpg", "left"),
    ]
    put(root / "VQA_RAD Dataset Public.json", json.dumps(table))
    for k in (1, 2, 3, 4):
        put(root / "VQA_RAD Image Folder" / f"synpic{k}.jpg")
    return root


def slake(root: Path) -> Path:
    def row(qid: int, image: str, **changes: str) -> dict[str, object]:
        return {"img_id": 1, "img_name": f"{image}/source.jpg", "question": "Is there an effusion?",
                "answer": "No", "q_lang": "en", "location": "Lung", "modality": "X-Ray",
                "answer_type": "CLOSED", "qid": qid, **changes}  # fmt: skip

    table = [
        row(1, "xmlab1"),
        row(2, "xmlab1", answer_type="OPEN", answer="Left"),
        row(3, "xmlab1", q_lang="zh"),
        row(4, "xmlab2", modality="CT", location="Abdomen"),
        row(1622, "xmlab1", answer=""),
        row(6, "xmlab3"),
    ]
    put(root / "test.json", json.dumps(table))
    put(root / "validation.json", json.dumps(table[:1]))
    for name in ("xmlab1", "xmlab2"):
        put(root / "imgs" / name / "source.jpg")
        put(root / "imgs" / name / "detection.json", "[]")
    return root
