"""Licences of repositories and of files."""

from __future__ import annotations

from pathlib import Path

import pytest

from extractors.sources.licences import LicenceFiles, licence_of_header, licence_of_text

MIT = """Permission is hereby granted, free of charge, to any person obtaining a copy of it. The above
copyright notice and this permission notice shall be included in all copies."""
BSD = """Redistribution and use in source and binary forms, with or without modification, are permitted.
{} THIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS "AS IS"."""


@pytest.mark.parametrize(
    ("text", "licence"),
    [
        (MIT, "MIT"),
        (MIT.upper().replace("\n", "\r\n   * "), "MIT"),
        (BSD.format(""), "BSD-2-Clause"),
        (BSD.format("may be used to endorse or promote products derived from"), "BSD-3-Clause"),
        ("Apache License\n  Version 2.0, January 2004", "Apache-2.0"),
        ("GNU GENERAL PUBLIC LICENSE Version 3, 29 June 2007. The GNU General Public License is a "
         "free, copyleft license", "GPL-3.0"),
        ("GNU LESSER GENERAL PUBLIC LICENSE Version 2.1, February 1999"
         .replace("2.1,", "2.1, 1"), ""),
        ("GNU LESSER GENERAL PUBLIC LICENSE\nVersion 2.1, February 1999", "LGPL-2.1"),
        ("This is free and unencumbered software released into the public domain.", "Unlicense"),
        (f"Dual licensed, at your option: Apache License Version 2.0, January 2004. {MIT}",
         "Apache-2.0 OR MIT"),
        ("All rights reserved.", ""),
    ],
)  # fmt: skip
def test_texts(text: str, licence: str) -> None:
    assert licence_of_text(text) == licence


def test_headers() -> None:
    assert licence_of_header("// SPDX-License-Identifier: GPL-2.0-or-later\n") == "GPL-2.0-or-later"
    assert (
        licence_of_header("# SPDX-License-Identifier: (MIT OR Apache-2.0)") == "MIT OR Apache-2.0"
    )
    notice = """## This program is free software: you can redistribute it and/or modify it under the
    ## terms of the GNU General Public License as published by the Free Software Foundation, either
    ## version 3 of the License, or (at your option) any later version.\nx = 1;"""
    assert licence_of_header(notice) == "GPL-3.0-or-later"
    assert licence_of_header("# a general remark on permissions") == ""
    assert licence_of_header("x\n" * 2000 + "SPDX-License-Identifier: MIT") == ""


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        ("LICENSE", True), ("licence.md", True), ("sub/COPYING.LESSER", True), ("LICENSE-MIT", True),
        ("LICENSES/MIT.txt", True), ("license.py", False), ("LICENSE_checker.c", False),
        ("UNLICENSE", True), ("docs/licensing.md", False),
    ],
)  # fmt: skip
def test_names(path: str, is_one: bool) -> None:
    assert LicenceFiles.is_one(path) is is_one


def test_the_nearest_folder_counts() -> None:
    files = LicenceFiles()
    files.add("LICENSE", lambda: MIT.encode())
    files.add("contrib/x/LICENSE", lambda: BSD.format("").encode())
    assert files.of("a.c") == files.of("contrib/a.c") == "MIT"
    assert files.of("contrib/x/deep/a.c") == "BSD-2-Clause"
    files.add("contrib/x/COPYING", lambda: b"nothing known")
    assert files.of("contrib/x/a.c") == "BSD-2-Clause"


def test_real_licence_files() -> None:
    folder = Path("/usr/share/common-licenses")
    if not folder.is_dir():
        pytest.skip("no licence texts on this system")
    expected = {"GPL-3": "GPL-3.0", "GPL-2": "GPL-2.0", "LGPL-2.1": "LGPL-2.1", "LGPL-3": "LGPL-3.0",
                "Apache-2.0": "Apache-2.0", "MPL-2.0": "MPL-2.0", "CC0-1.0": "CC0-1.0",
                "LGPL-2": "LGPL-2.0", "GPL-1": "GPL-1.0"}  # fmt: skip
    for name, licence in expected.items():
        if (folder / name).exists():
            assert licence_of_text((folder / name).read_text("utf-8")) == licence, name
