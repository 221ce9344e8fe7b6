import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

from shared.message import bits, compose, hello_world, linkage, system

ELF32 = b"\x7fELF\x01\x01\x01"
ELF64 = b"\x7fELF\x02\x01\x01"
PE = b"MZ\x90\x00\x03\x00\x00\x00"


def executable(folder: Path, content: bytes) -> str:
    file = folder / "python"
    file.write_bytes(content)
    return str(file)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(ELF32, "ELF", id="ELF of 32 bits"),
        pytest.param(ELF64, "ELF", id="ELF of 64 bits"),
        pytest.param(PE, "WindowsPE", id="PE"),
        pytest.param(bytes.fromhex("feedface"), "Mach-O", id="thin Mach-O of 32 bits, big-endian"),
        pytest.param(
            bytes.fromhex("cefaedfe"), "Mach-O", id="thin Mach-O of 32 bits, little-endian"
        ),
        pytest.param(bytes.fromhex("feedfacf"), "Mach-O", id="thin Mach-O of 64 bits, big-endian"),
        pytest.param(
            bytes.fromhex("cffaedfe 0c000001"), "Mach-O", id="thin Mach-O of 64 bits, little-endian"
        ),
        pytest.param(bytes.fromhex("cafebabe 00000002"), "Mach-O", id="fat Mach-O, big-endian"),
        pytest.param(bytes.fromhex("bebafeca 02000000"), "Mach-O", id="fat Mach-O, little-endian"),
        pytest.param(
            bytes.fromhex("cafebabf 00000002"),
            "Mach-O",
            id="fat Mach-O of 64-bit offsets, big-endian",
        ),
        pytest.param(
            bytes.fromhex("bfbafeca 02000000"),
            "Mach-O",
            id="fat Mach-O of 64-bit offsets, little-endian",
        ),
        pytest.param(b"#!/bin/sh\nexec python3\n", "unknown", id="a script"),
        pytest.param(b"\x7fEL", "unknown", id="cut short"),
        pytest.param(b"", "unknown", id="empty"),
        pytest.param(b"elf \x7fELF", "unknown", id="magic not at the start"),
    ],
)
def test_linkage_is_derived_from_the_first_bytes_of_the_interpreter(
    tmp_path: Path, content: bytes, expected: str
) -> None:
    assert linkage(executable(tmp_path, content)) == expected


def test_linkage_of_a_file_that_cannot_be_read_is_unknown(tmp_path: Path) -> None:
    assert linkage(str(tmp_path / "missing")) == "unknown"
    assert linkage(str(tmp_path)) == "unknown"
    assert linkage("nul\0byte") == "unknown"
    assert linkage("") == "unknown"
    assert linkage(None) == "unknown"


def test_linkage_of_a_forbidden_file_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise PermissionError(
            13, "Permission denied"
        )  # chmod has no effect for root, for example in containers

    path = executable(tmp_path, ELF64)
    monkeypatch.setattr(Path, "open", refuse)
    assert linkage(path) == "unknown"


@pytest.mark.parametrize(("maxsize", "expected"), [(2**31 - 1, "32bit"), (2**63 - 1, "64bit")])
def test_bits_are_the_word_size_of_the_interpreter(maxsize: int, expected: str) -> None:
    assert bits(maxsize) == expected


def test_bits_and_system_agree_with_platform() -> None:
    assert bits() == platform.architecture()[0]
    assert system() == platform.system()


def test_the_message_has_the_documented_spelling() -> None:
    assert compose(system="Linux", bits="64bit", linkage="ELF", env="local") == (
        "Hello World! from Linux operating system on 64bit ELF architecture in local enviroment"
    )


@pytest.mark.parametrize(
    ("system", "content", "linkage"),
    [
        ("Linux", ELF64, "ELF"),
        ("Windows", PE, "WindowsPE"),
        ("Darwin", bytes.fromhex("cafebabe"), "Mach-O"),
    ],
)
def test_hello_world_names_the_platform(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, system: str, content: bytes, linkage: str
) -> None:
    monkeypatch.setattr("shared.message.system", lambda: system)
    monkeypatch.setattr("shared.message.bits", lambda: "64bit")
    monkeypatch.setattr(sys, "executable", executable(tmp_path, content))
    monkeypatch.setenv("ENV", "local-docker")
    assert hello_world() == (
        f"Hello World! from {system} operating system on 64bit {linkage} architecture in "
        f"local-docker enviroment"
    )


@pytest.mark.parametrize("environment", [{}, {"ENV": ""}])
def test_hello_world_without_env_has_unknown(environment: dict[str, str]) -> None:
    assert hello_world(environment).endswith(" architecture in unknown enviroment")


def test_hello_world_reads_env_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENV", "production")
    assert hello_world().endswith(" architecture in production enviroment")
    monkeypatch.delenv("ENV")
    assert hello_world().endswith(" architecture in unknown enviroment")


def test_hello_world_of_this_interpreter_has_no_unknown_part() -> None:
    message = hello_world({"ENV": "local"})
    assert re.fullmatch(
        r"Hello World! from (Linux|Darwin|Windows) operating system"
        r" on (32|64)bit (ELF|Mach-O|WindowsPE) architecture in local enviroment",
        message,
    )


def test_hello_world_starts_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError(f"started a process: {args}")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    monkeypatch.setattr(os, "system", refuse)
    monkeypatch.setattr(os, "popen", refuse)
    monkeypatch.setattr(platform, "_uname_cache", None, raising=False)
    assert hello_world()


@pytest.mark.parametrize("module", ["shared.message", "shared.orchestrators"])
def test_shared_does_not_import_azure(module: str) -> None:
    script = (
        f"import sys, {module}; print([name for name in sys.modules if name.startswith('azure')])"
    )
    root = Path(__file__).parents[2]
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"
