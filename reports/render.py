"""`python -m reports.render`: a pickled statement and its language on stdin, the PDF on stdout.

The other end is `reports.pdf.render_in_subprocess`, the same program on the same machine: nothing
that came from elsewhere is ever unpickled.
"""

import gc
import os
import pickle
import sys

_LAST_IN_LINE = 15  # looks at the clients' systems come first


def main() -> int:
    """Render what stdin holds, politely."""
    os.nice(_LAST_IN_LINE)
    gc.disable()  # this process makes one report and ends: collecting costs it a tenth
    # WeasyPrint's libraries are found by the system's list of them. By the names that they have
    # elsewhere they are asked for first, and each time a compiler, where there is one, would be
    # run to look for them: a third of what a report costs.
    os.environ["PATH"] = os.devnull
    statement, language = pickle.load(sys.stdin.buffer)  # noqa: S301 - our own parent wrote it

    from reports.pdf import render_pdf

    sys.stdout.buffer.write(render_pdf(statement, language))
    return 0


if __name__ == "__main__":
    sys.exit(main())
