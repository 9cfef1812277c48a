"""Reading a table of labels: every problem is named with its row, and nothing in it can raise."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medvlm.adapt.problems import Problem, UnusableData, rows_in_words
from medvlm.adapt.table import Table, parse_table, read_table, truth
from medvlm.adapt.wordings import finding_name, labels_in_report, question_finding, term_of
from medvlm.errors import MedvlmError
from medvlm.vocabulary import terms


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with four empty files that are named like films; a table never opens them."""
    for name in ("a.png", "b.png", "c.png", "d.png"):
        (tmp_path / name).touch()
    (tmp_path / "study1").mkdir()
    return tmp_path


def problems(table: Table) -> list[tuple[str, tuple[int, ...]]]:
    return [(problem.code, problem.rows) for problem in table.problems]


def test_labels_are_read_with_the_row_that_says_them(folder: Path) -> None:
    table = parse_table("image,patient,Effusion,Pacemaker\na.png,p1,1,\nb.png,p2,0,1\n", folder)
    assert table.problems == ()
    assert [(row.numbers, row.patient, dict(row.labels)) for row in table.rows] == [
        ((2,), "p1", {"effusion": True}),
        ((3,), "p2", {"effusion": False, "pacemaker": True}),
    ]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_any_common_separator_is_understood(folder: Path, separator: str) -> None:
    text = "image,effusion\na.png,1\n".replace(",", separator)
    assert parse_table(text, folder).rows[0].labels == {"effusion": True}


def test_a_folder_of_films_can_be_named_as_a_study(folder: Path) -> None:
    assert parse_table("study,effusion\nstudy1,1\n", folder).rows[0].path == (folder / "study1").resolve()


def test_every_bad_row_is_named_at_once(folder: Path) -> None:
    text = "image,effusion\na.png,2\n../x.png,1\nnone.png,0\nb.png,1,1\n,1\n/etc/hostname,1\nc.png,1\n"
    table = parse_table(text, folder)
    assert problems(table) == [("bad_row", (number,)) for number in (2, 3, 4, 5, 6, 7)]
    assert [row.numbers for row in table.rows] == [(8,)]


def test_a_link_that_leaves_the_folder_is_not_followed(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    secret = tmp_path_factory.mktemp("elsewhere") / "film.png"
    secret.touch()
    (folder / "link.png").symlink_to(secret)
    assert problems(parse_table("image,effusion\nlink.png,1\n", folder)) == [("bad_row", (2,))]


def test_questions_and_answers_become_labels_and_a_negated_question_turns_round(folder: Path) -> None:
    text = (
        "image,question,answer\na.png,Is there a pleural effusion?,yes\nb.png,Is effusion absent?,Yes\n"
        "c.png,Is there a pacemaker?,no\n"
    )
    assert [dict(row.labels) for row in parse_table(text, folder).rows] == [
        {"effusion": True},
        {"effusion": False},
        {"pacemaker": False},
    ]


@pytest.mark.parametrize("question", ["Where is it?", "Which view is this?", "Is there no pacemaker?", "<end>"])
def test_a_question_that_asks_for_no_one_finding_is_refused(folder: Path, question: str) -> None:
    assert problems(parse_table(f"image,question,answer\na.png,{question},yes\n", folder)) == [("bad_row", (2,))]


def test_only_the_vocabularys_own_sentences_in_a_report_are_labels_and_silent_reports_are_counted(folder: Path) -> None:
    text = 'image,report\na.png,"The heart is enlarged. Small effusion perhaps."\nb.png,Unremarkable study\n'
    table = parse_table(text, folder)
    assert [dict(row.labels) for row in table.rows] == [{"cardiomegaly": True}]
    assert table.silent == (3,)


def test_rows_of_one_film_are_joined_unless_they_contradict_each_other(folder: Path) -> None:
    text = "image,patient,effusion,mass\na.png,p,1,\na.png,p,,0\nb.png,p,1,\nb.png,p,0,\nc.png,p,1,\nc.png,q,,1\n"
    table = parse_table(text, folder)
    assert dict(table.rows[0].labels) == {"effusion": True, "mass": False}
    assert problems(table) == [("contradiction", (4, 5)), ("contradiction", (6, 7))]


@pytest.mark.parametrize(
    "header",
    ["effusion", "image", "image,study,effusion", "image,effusion,effusion", "image,effusion,pleural effusion",
     "image,question", "image,---", "image,No Finding", "image,image,effusion"],
)  # fmt: skip
def test_a_heading_that_is_unclear_refuses_the_table(folder: Path, header: str) -> None:
    table = parse_table(f"{header}\na.png,1\n", folder)
    assert table.rows == ()
    assert {problem.code for problem in table.problems} == {"bad_column"}


def test_a_folder_without_exactly_one_table_is_refused(folder: Path) -> None:
    assert problems(read_table(folder)) == [("no_table", ())]
    (folder / "one.csv").write_text("image,effusion\na.png,1\n")
    assert problems(read_table(folder)) == []
    (folder / "two.csv").write_bytes(b"\xff\xfe")
    assert problems(read_table(folder)) == [("no_table", ())]
    (folder / "one.csv").unlink()
    assert problems(read_table(folder)) == [("no_table", ())]


def test_a_table_without_any_label_is_refused(folder: Path) -> None:
    assert problems(parse_table("image,effusion\na.png,\n", folder)) == [("no_table", ())]


cells = st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=12)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.one_of(cells, st.lists(st.lists(cells, max_size=4), max_size=6).map(str)))
def test_no_text_makes_the_reader_fail_and_every_row_lies_in_the_folder(folder: Path, text: str) -> None:
    table = parse_table("image,question,answer,effusion,report\n" + text, folder)
    assert all(row.path.is_relative_to(folder.resolve()) and row.labels for row in table.rows)
    assert all(rows >= 1 for problem in table.problems for rows in problem.rows)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(values=st.lists(st.sampled_from(["0", "1", ""]), min_size=1, max_size=4))
def test_every_label_that_is_written_is_read_back(folder: Path, values: list[str]) -> None:
    names = ["a.png", "b.png", "c.png", "d.png"]
    text = "image,effusion\n" + "".join(f"{name},{value}\n" for name, value in zip(names, values, strict=False))
    read = {row.path.name: row.labels["effusion"] for row in parse_table(text, folder).rows}
    assert read == {name: value == "1" for name, value in zip(names, values, strict=False) if value}


@settings(max_examples=100, deadline=None)
@given(heading=st.text(max_size=60))
def test_a_name_made_from_a_heading_is_one_that_the_contract_allows(heading: str) -> None:
    name = finding_name(heading)
    if name is not None:
        term = term_of(name)
        assert term.name == name
        assert not set("<>") & set("".join((*term.ask, *term.ask_negated)))


@pytest.mark.parametrize("name", sorted(terms()))
def test_the_vocabularys_own_sentences_and_questions_are_labels(name: str) -> None:
    term = terms()[name]
    assert labels_in_report(term.present[0]) == {name: True}
    assert labels_in_report(term.absent[0]) == {name: False}
    assert question_finding(term.ask[0]) == (name, False)
    assert question_finding(term.ask_negated[0]) == (name, True)


def test_a_report_that_states_both_states_nothing() -> None:
    term = terms()["effusion"]
    assert labels_in_report(f"{term.present[0]} {term.absent[0]}") == {}


def test_a_new_finding_has_no_code() -> None:
    assert term_of("pacemaker").code is None
    assert term_of("effusion").code is not None


def test_only_yes_and_no_are_answers() -> None:
    read = [truth(said) for said in ("1", "Yes", "0", "no ", "", "maybe", "2")]
    assert read == [True, True, False, False, None, None, None]


def test_the_error_lists_every_problem_with_its_rows_and_ends_as_bad_input() -> None:
    error = UnusableData([Problem("bad_row", "No film is named", (4,)), Problem("one_class", "x", (2, 3, 9))], "folder")
    assert isinstance(error, MedvlmError)
    assert "No film is named (row 4)." in error.sentence
    assert "x (rows 2, 3 and 9)." in error.sentence


def test_a_long_list_of_rows_is_cut_and_counted() -> None:
    assert rows_in_words(range(2, 42)).endswith("(40 in all)")
