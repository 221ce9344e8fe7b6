"""Reading requirements.txt."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from embedded_host.doctor.requirements_file import NAME, RequirementsFile, read_requirements


def read(folder: Path, text: str | bytes) -> RequirementsFile:
    content = text if isinstance(text, bytes) else text.encode()
    (folder / NAME).write_bytes(content)
    return read_requirements(folder)


def names(file: RequirementsFile) -> list[tuple[str, str, int]]:
    return [(str(line.requirement), line.file, line.line) for line in file.lines]


def test_each_requirement_has_its_line(tmp_path: Path) -> None:
    file = read(tmp_path, "# comment\n\nAzure_Functions==1.17.0  # pinned\nrequests\n")
    assert names(file) == [("Azure_Functions==1.17.0", NAME, 3), ("requests", NAME, 4)]
    assert file.findings == ()
    line = file.of("azure-functions")
    assert line is not None
    assert line.line == 3


def test_a_missing_file_has_no_requirements(tmp_path: Path) -> None:
    assert read_requirements(tmp_path) == RequirementsFile(exists=False)


def test_a_continued_line_has_the_number_of_its_first_line(tmp_path: Path) -> None:
    hashes = "requests==2.31.0 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\nidna\n"
    assert names(read(tmp_path, hashes)) == [("requests==2.31.0", NAME, 1), ("idna", NAME, 4)]
    assert names(read(tmp_path, "requests \\")) == [("requests", NAME, 1)]


def test_an_included_file_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "base.txt").write_text("requests\n-r requirements.txt\n", encoding="utf-8")
    file = read(tmp_path, "-r base.txt\n--requirement=base.txt\nidna\n")
    assert names(file) == [("requests", "base.txt", 1), ("idna", NAME, 3)]


def test_a_missing_included_file_is_a_finding(tmp_path: Path) -> None:
    (finding,) = read(tmp_path, "-r base.txt\n").findings
    assert (finding.code, finding.file) == ("EH704", "base.txt")


@pytest.mark.parametrize(
    "line",
    [
        "--extra-index-url https://example.com/simple",
        "-i https://example.com/simple",
        "--index-url=https://example.com/simple",
        "--pre",
        "-e .",
        "./wheels/shop.whl",
        "https://example.com/shop.zip",
        "git+https://example.com/shop.git@main",
        "shop-1.0-py3-none-any.whl",
        "requests==${VERSION}",
        "-c constraints.txt",
    ],
)
def test_options_files_and_urls_are_not_checked(tmp_path: Path, line: str) -> None:
    file = read(tmp_path, line)
    assert (file.lines, file.findings) == ((), ())


def test_a_url_after_a_name_is_a_requirement(tmp_path: Path) -> None:
    (line,) = read(tmp_path, "shop @ https://example.com/shop.zip").lines
    assert line.name == "shop"


def test_an_invalid_line_is_a_finding_with_its_line(tmp_path: Path) -> None:
    file = read(tmp_path, "requests\nfoo bar\n")
    (finding,) = file.findings
    assert (finding.severity, finding.code, finding.place) == ("warning", "EH704", f"{NAME}:2")
    assert "'foo bar'" in finding.text
    assert [line.name for line in file.lines] == ["requests"]


def test_the_encodings_of_powershell_are_read(tmp_path: Path) -> None:
    for content in (
        codecs.BOM_UTF8 + b"requests\r\n",
        codecs.BOM_UTF16_LE + "requests\r\n".encode("utf-16-le"),
        codecs.BOM_UTF16_BE + "requests\r\n".encode("utf-16-be"),
    ):
        assert names(read(tmp_path, content)) == [("requests", NAME, 1)]


def test_a_file_in_another_encoding_is_a_finding(tmp_path: Path) -> None:
    (finding,) = read(tmp_path, b"requests # \xfc").findings
    assert (finding.code, finding.place) == ("EH704", NAME)


def test_a_marker_selects_the_environments(tmp_path: Path) -> None:
    (line,) = read(tmp_path, 'tzdata; sys_platform == "win32"').lines
    assert line.applies({"sys_platform": "win32"})
    assert not line.applies({"sys_platform": "linux"})


@pytest.mark.parametrize("line", ["-x", "--nope foo", "--prefix x"])
def test_an_option_that_pip_does_not_have_is_reported(tmp_path: Path, line: str) -> None:
    (finding,) = read(tmp_path, f"idna\n{line}\n").findings
    assert (finding.code, finding.file, finding.line) == ("EH704", NAME, 2)
    assert finding.text == f"pip cannot read the line '{line}': it has no such option."


def test_a_file_that_cannot_be_decoded_is_incomplete(tmp_path: Path) -> None:
    assert not read(tmp_path, b"# \xe9\nazure-functions-durable\n").is_complete
    assert read(tmp_path, "-x\n").is_complete
