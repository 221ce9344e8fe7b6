"""docs/explanation/architecture.md: the packages and layers match the import contract."""

from __future__ import annotations

import re

from tests.docs.markdown import PROJECT

PAGE = (PROJECT / "docs" / "explanation" / "architecture.md").read_text(encoding="utf-8")


def layers() -> list[list[str]]:
    """Return the packages of each layer of the contract, from the highest layer to the lowest."""
    contract = re.search(
        r"^layers = \[(.*?)^\]",
        (PROJECT / "pyproject.toml").read_text(encoding="utf-8"),
        re.S | re.M,
    )
    assert contract
    return [layer.split(" | ") for layer in re.findall(r'"([^"]+)"', contract[1])]


def test_the_picture_has_the_layers_of_the_contract() -> None:
    (picture,) = re.findall(r"^```text\n(__main__.*?)^```", PAGE, re.S | re.M)
    assert [line.split(" | ") for line in picture.splitlines()] == layers()


def test_the_table_has_every_package_and_module_of_the_host_in_that_order() -> None:
    table = PAGE.partition("| package |")[2].partition("\n\n")[0]
    names = [
        name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[1])
    ]
    assert names == [package for layer in layers() for package in layer]
    source = PROJECT / "src" / "embedded_host"
    modules = {path.stem for path in source.glob("*.py")} | {
        path.parent.name for path in source.glob("*/__init__.py")
    }
    assert set(names) == modules - {"__init__"}
