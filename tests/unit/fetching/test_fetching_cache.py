from pathlib import Path

import pytest

from intarsia.fetching import cache_folder, file_sha256


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {"INTARSIA_CACHE": "/elsewhere"}, "/elsewhere"),
        ("linux", {"XDG_CACHE_HOME": "/xdg"}, "/xdg/intarsia"),
        ("linux", {"HOME": "/home/a"}, "/home/a/.cache/intarsia"),
        ("darwin", {"HOME": "/home/a"}, "/home/a/Library/Caches/intarsia"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/intarsia/Cache"),
    ],
)
def test_cache_folders(
    platform: str, variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("INTARSIA_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.platform", platform)
    assert cache_folder() == Path(expected)


def test_content_is_told_by_its_sha256(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")  # the example of FIPS 180-2, appendix B.1
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert file_sha256(tmp_path / "a") == expected
