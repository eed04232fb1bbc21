"""The templates of this package, and how they are made into pages."""

import sys
from contextlib import suppress
from pathlib import Path

from jinja2 import Environment, FileSystemBytecodeCache, PackageLoader, StrictUndefined
from jinja2.bccache import Bucket
from typing_extensions import override

_FOLDER = Path(__file__).parent / "templates" / "__pycache__"


class _Compiled(FileSystemBytecodeCache):
    """Templates once compiled, beside their sources as Python keeps its own modules.

    Where nothing may be written there, each process compiles them: a tenth of a second.
    """

    @override
    def dump_bytecode(self, bucket: Bucket) -> None:
        with suppress(OSError):
            super().dump_bytecode(bucket)


def environment(
    compiled: Path | None = None if sys.dont_write_bytecode else _FOLDER,
) -> Environment:
    """Return a new environment: what is put into a page is escaped, what is missing an error.

    Templates are kept in the folder *compiled*, if any.
    """
    if compiled is not None:
        with suppress(OSError):
            compiled.mkdir(exist_ok=True)
    return Environment(
        loader=PackageLoader("reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=_Compiled(str(compiled)) if compiled is not None else None,
    )
