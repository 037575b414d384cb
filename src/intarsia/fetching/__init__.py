"""Files known by their content: fetched from any of several places, continued when interrupted, checked before use."""

from intarsia.fetching.cache import cache_folder, file_sha256
from intarsia.fetching.remote import (
    PackageFile,
    Progress,
    RemoteFile,
    Report,
    Source,
    WebFile,
    fetch_file,
    is_whole,
    keep_whole,
)
from intarsia.fetching.wheels import extract_member

__all__ = [
    "PackageFile",
    "Progress",
    "RemoteFile",
    "Report",
    "Source",
    "WebFile",
    "cache_folder",
    "extract_member",
    "fetch_file",
    "file_sha256",
    "is_whole",
    "keep_whole",
]
