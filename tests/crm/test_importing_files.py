"""Files as people export them: every encoding, every sign between cells, torn, empty, packed."""

from __future__ import annotations

import zipfile

import pytest

from crm.errors import Refused
from crm.importing import sniffing
from crm.importing.files import EmptyFile, NoHeader, NoRows, Sheet

ROWS = "id;name;city\n1;Zoë Müller;Düsseldorf\n2;“José” Peña – €5;Málaga\n"


@pytest.fixture
def sheet(tmp_path):
    """`sheet(bytes)` is the file as Hark would read it by itself."""

    def sheet(data, **chosen):
        path = tmp_path / "file"
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        found = sniffing.look_at(path)
        return Sheet(path, chosen.get("encoding", found.encoding), found.delimiter)

    return sheet


def read(sheet):
    return [line.cells for line in sheet.rows()]


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("utf-16", "utf-16"), ("utf-16-le", "utf-16"), ("cp1252", "cp1252"),
    ],
)  # fmt: skip
def test_each_encoding_is_found_and_read(sheet, encoding, found):
    file = sheet(ROWS.encode(encoding))
    assert (file.encoding, file.delimiter) == (found, ";")
    assert file.header == ["id", "name", "city"]
    assert read(file) == [["1", "Zoë Müller", "Düsseldorf"], ["2", "“José” Peña – €5", "Málaga"]]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("id,name\n1,Иван Петров\n2,Москва\n", "cp1251"),
        ("id,name\n1,Łukasz Wiśniewski\n2,Gdańsk\n3,Wałęsa\n", "cp1250"),
        ("id,name\n1,Hélène à Besançon\n", "cp1252"),
        ("id,name\n1,m² für £50, 10³\n", "cp1252"),
    ],
)
def test_of_encodings_with_one_byte_a_letter_the_likely_one_is_taken(sheet, text, encoding):
    file = sheet(text.encode(encoding))
    assert file.encoding == encoding


def test_latin_1_with_signs_windows_has_not_is_read_as_latin_1(sheet):
    assert sheet(b"id,name\n1,M\xfcller\x81\n").encoding == "latin-1"


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_what_stands_between_the_cells_is_found(sheet, sign):
    file = sheet(f'id{sign}name\n1{sign}"Mercer, Ann; of Leeds"\n')
    assert file.delimiter == sign
    assert file.header == ["id", "name"]


def test_the_line_excel_writes_for_itself_is_passed_over(sheet):
    file = sheet("sep=;\nid;name\n1;Ann\n")
    assert (file.header, read(file)) == (["id", "name"], [["1", "Ann"]])


def test_a_file_with_three_encodings_gives_the_rows_of_one_and_refuses_the_rest_readably(sheet):
    data = (
        "id,name\n1,Zoë\n2,José\n3,Ann\n".encode()
        + "4,Müller\n".encode("cp1252")
        + "5,Peña\n".encode("utf-16-le")
        + "6,Łukasz\n".encode()
    )
    lines = list(sheet(data).rows())
    assert [line.cells for line in lines if not line.trouble] == [
        ["1", "Zoë"],
        ["2", "José"],
        ["3", "Ann"],
        [" 6", "Łukasz"],  # half of the line end before it
    ]
    windows, wide = (line for line in lines if line.trouble)
    assert windows.cells == ["4", "Müller"]
    assert windows.trouble == "The row is not in UTF-8 as the file is; it looks like Windows-1252."
    assert "null characters" in wide.trouble or "looks like" in wide.trouble


def test_a_row_in_utf_8_in_a_windows_file_is_refused_and_shown_as_it_was_meant(sheet):
    data = "id,name\n1,Zoë\n2,José\n3,Peña\n".encode("cp1252") + "4,Müller\n".encode()
    last = list(sheet(data).rows())[-1]
    assert last.cells == ["4", "Müller"]
    assert "it looks like UTF-8" in last.trouble


def test_a_row_in_another_alphabet_is_shown_as_it_was_meant(sheet):
    data = "id,name\n1,Zoë\n2,José\n".encode() + "3,Müller\n".encode("cp1252") + "4,Пётр Ильич\n".encode("cp1251")
    german, russian = list(sheet(data).rows())[-2:]
    assert (german.cells, russian.cells) == (["3", "Müller"], ["4", "Пётр Ильич"])
    assert russian.trouble == "The row is not in UTF-8 as the file is; it looks like Windows-1251."


def test_the_encoding_may_be_chosen_otherwise(sheet):
    data = "id,name\n1,Dvořák\n".encode("cp1250")
    assert read(sheet(data)) == [["1", "Dvoøák"]]
    assert read(sheet(data, encoding="cp1250")) == [["1", "Dvořák"]]


# --- torn, odd, huge


def test_a_torn_quote_spoils_its_own_row_alone(sheet):
    lines = list(sheet('id,name\n1,"Ann\n2,Bob\n3,"Carl"\n').rows())
    assert [(line.cells, bool(line.trouble)) for line in lines] == [
        (['1,"Ann'], True), (["2", "Bob"], False), (["3", "Carl"], False),
    ]  # fmt: skip
    assert lines[0].trouble.startswith("The row cannot be read: ")


def test_text_behind_a_quote_is_said_by_the_name_of_its_sign(sheet):
    lines = list(sheet('id;name\n1;"Ann" Mercer\n2;Bob\n').rows())
    assert lines[0].trouble.endswith("something stands between a closing quote and the next semicolon.")
    assert lines[1].cells == ["2", "Bob"]


def test_a_cell_may_have_lines(sheet):
    assert read(sheet('id,about\n1,"two\nlines"\n2,x\n')) == [["1", "two\nlines"], ["2", "x"]]


def test_a_row_with_more_or_fewer_cells_than_the_header_is_refused_but_not_for_empty_ones_at_its_end(sheet):
    lines = list(sheet("id,name\n1\n2,Bob,x\n3,Carl,,\n").rows())
    assert [line.trouble[:28] for line in lines] == ["The row has 1 cells and the ", "The row has 3 cells and the ", ""]
    assert lines[2].cells == ["3", "Carl"]


def test_null_bytes_are_refused_with_their_row(sheet):
    lines = list(sheet(b"id,name\n1,A\x00nn\n2,Bob\n").rows())
    assert "null characters" in lines[0].trouble
    assert lines[1].cells == ["2", "Bob"]


def test_a_huge_cell_is_a_cell(sheet):
    assert len(read(sheet(f"id,about\n1,{'x' * 1_000_000}\n"))[0][1]) == 1_000_000


def test_columns_with_one_name_or_none_are_told_apart(sheet):
    assert sheet("id,e-mail,e-mail,,e-mail\n1,a,b,c,d\n").header == [
        "id",
        "e-mail",
        "e-mail (2)",
        "Column 4",
        "e-mail (3)",
    ]


def test_lines_may_end_as_on_old_macs(sheet):
    assert read(sheet("id,name\r1,Ann\r2,Bob")) == [["1", "Ann"], ["2", "Bob"]]


def test_empty_lines_are_no_rows(sheet):
    assert read(sheet("id,name\r\n\r\n1,Ann\r\n\r\n\r\n2,Bob")) == [["1", "Ann"], ["2", "Bob"]]


def test_neither_are_rows_of_empty_cells(sheet):
    assert read(sheet("id;name;city\n1;Ann;\n;;\n ; ;\n2;Bob;\n;;\n;;\n")) == [["1", "Ann", ""], ["2", "Bob", ""]]


def test_a_cell_that_was_made_safe_for_a_spreadsheet_is_read_as_it_was(sheet):
    assert read(sheet("id,phone\n1,'+44 113 496 0123\n")) == [["1", "+44 113 496 0123"]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_reading_goes_on_from_where_a_row_ended(sheet, encoding):
    file = sheet('id,about\n1,"Zoë\nand more"\n2,"torn\n3,é\n4,end\n'.encode(encoding))
    lines = list(file.rows())
    for place, line in enumerate(lines):
        assert [later.cells for later in file.rows(line.end)] == [later.cells for later in lines[place + 1 :]]


# --- JSON Lines


def test_json_lines_are_read_by_the_keys_of_their_objects(sheet):
    file = sheet('{"id": 1, "name": "Ann"}\n\n{"name": "Bob", "email": ["b@example.com"], "id": "2"}\n')
    assert file.delimiter == ""
    assert file.header == ["id", "name", "email"]
    assert read(file) == [[1, "Ann", None], ["2", "Bob", ["b@example.com"]]]


def test_a_line_that_is_no_json_object_is_refused_alone(sheet):
    lines = list(sheet(b'{"id": 1}\n[1]\nnonsense\n{"id": 2\n"\xff"\n{"id": 3}\n').rows())
    assert [line.trouble.split(".")[0] for line in lines] == [
        "",
        "The line is not a JSON object: it should begin with a brace",
        "The line is not valid JSON",
        "The line is not valid JSON",
        "The line is not in UTF-8, which JSON is",
        "",
    ]


def test_deep_json_is_refused_and_breaks_nothing(sheet):
    lines = list(sheet('{"id": 1}\n' + "[" * 100_000 + "\n").rows())
    assert lines[1].trouble == "The line is not valid JSON."


# --- what is no such file


def workbook(path, inside):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(inside, "x")
    return path.read_bytes()


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "The file is empty."),
        (b" \r\n \n", "The file is empty."),
        (b"\x1f\x8b\x08\x00", r"This file is packed \(gzip\)"),
        (b"%PDF-1.7", "This is a PDF"),
        (b"\xd0\xcf\x11\xe0" + bytes(99), "This is an Excel workbook"),
        (bytes(range(256)) * 40, "This is not a text file"),
        (b'[{"id": 1}]', "This is one JSON list"),
    ],
)
def test_what_is_no_csv_is_refused_with_what_it_is_and_what_to_do(tmp_path, data, sentence):
    (tmp_path / "file").write_bytes(data)
    with pytest.raises(Refused, match=sentence):
        sniffing.look_at(tmp_path / "file")


@pytest.mark.parametrize(
    ("inside", "sentence"),
    [
        ("xl/workbook.xml", "Excel workbook. In Excel choose Save as"),
        ("[Content_Types].xml", "Excel workbook"),
        ("customers.csv", r"This file is packed \(zip\)"),
    ],
)
def test_a_workbook_or_a_zip_called_csv_is_known_by_what_it_holds(tmp_path, inside, sentence):
    (tmp_path / "file").write_bytes(workbook(tmp_path / "made", inside))
    with pytest.raises(Refused, match=sentence):
        sniffing.look_at(tmp_path / "file")


def test_a_header_alone_is_told_from_an_empty_file(sheet):
    with pytest.raises(NoRows, match="no rows below it"):
        sheet("id,name\n").check()
    with pytest.raises(EmptyFile):
        sheet("sep=;\n").check()


def test_a_header_that_cannot_be_read_is_refused(sheet):
    with pytest.raises(NoHeader, match="should hold the names of the columns"):
        sheet('id,"na\nme\n1,"x"\n').check()
