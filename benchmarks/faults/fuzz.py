"""Coverage-guided fuzzing of the parsers of areoseg, with atheris: `make fuzz`.

    python benchmarks/faults/fuzz.py pds3 -max_total_time=600

The arguments after the name of the parser are those of libFuzzer. A parser may raise `AreosegError`
only. What it finds is written to the working directory as `crash-...`.
"""

import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["areoseg"]):
    from areoseg.data.description import read_description
    from areoseg.data.load import groups_from_file
    from areoseg.data.readers.decode import decode_image
    from areoseg.data.readers.npz import read_arrays
    from areoseg.data.readers.planetary.pds3 import read_pds3_label
    from areoseg.data.readers.planetary.pds4 import read_pds4_label
    from areoseg.data.readers.planetary.vicar import read_vicar_label
    from areoseg.errors import AreosegError
    from areoseg.recipes.yaml_text import describe_duplicates, read_yaml
    from areoseg.utils.files import read_json


def _yaml(path: Path) -> None:
    text = path.read_text(encoding="utf-8", errors="replace")
    describe_duplicates(read_yaml(text, path.name)[1], path.name)


PARSERS: dict[str, tuple[str, Callable[[Path], object], tuple[bytes, ...]]] = {
    "pds3": (
        ".lbl",
        read_pds3_label,
        (
            b"PDS_VERSION_ID = PDS3\r\n^IMAGE = 2\r\nRECORD_BYTES = 8\r\nOBJECT = IMAGE\r\n"
            b"LINES = 2\r\nLINE_SAMPLES = 4\r\nSAMPLE_BITS = 16\r\n"
            b"SAMPLE_TYPE = MSB_INTEGER\r\nMISSING_CONSTANT = (16#FF#, -1)\r\n"
            b"END_OBJECT = IMAGE\r\nEND\r\n",
        ),
    ),
    "pds4": (
        ".xml",
        read_pds4_label,
        (
            b"<Product_Observational><File_Area_Observational><File><file_name>a.img</file_name>"
            b"</File><Array_2D_Image><offset>0</offset><axes>2</axes><Element_Array><data_type>"
            b"UnsignedByte</data_type></Element_Array><Axis_Array><axis_name>Line</axis_name>"
            b"<elements>2</elements></Axis_Array></Array_2D_Image></File_Area_Observational>"
            b"</Product_Observational>",
        ),
    ),
    "vicar": (
        ".vic",
        read_vicar_label,
        (b"LBLSIZE=128 FORMAT='BYTE' TYPE='IMAGE' NL=2 NS=4 NB=1 RECSIZE=4 ORG='BSQ' ",),
    ),
    "image": (
        ".png",
        decode_image,
        (b"\x89PNG\r\n\x1a\n", b"II*\0\x08\0\0\0", b"\xff\xd8\xff\xe0\0\x10JFIF"),
    ),
    "npz": (".npz", read_arrays, (b"PK\x03\x04",)),
    "yaml": (".yaml", _yaml, (b"a: &a {b: [1, .nan]}\nc: *a\n",)),
    "description": (
        ".yaml",
        read_description,
        (b"classes: [sky, soil]\nbackground: sky\nmap: {0: sky, 1: soil}\nvoid: 255\n",),
    ),
    "groups": (".txt", lambda path: groups_from_file(path, 2), (b"a\nb\n",)),
    "json": (".json", read_json, (b'{"a": [1, null]}',)),
}
"""Parsers by name: the suffix of their files, the function, and files to start from."""


def main() -> None:
    """Fuzz one parser."""
    suffix, parse, seeds = PARSERS[sys.argv.pop(1)]
    with tempfile.TemporaryDirectory(prefix="areoseg-fuzz-") as folder:
        corpus = Path(folder) / "corpus"
        corpus.mkdir()
        for number, seed in enumerate(seeds):
            (corpus / str(number)).write_bytes(seed)
        path = Path(folder) / f"input{suffix}"

        def test(content: bytes) -> None:
            path.write_bytes(content)
            with suppress(AreosegError):
                parse(path)

        atheris.Setup([*sys.argv, str(corpus)], test)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
