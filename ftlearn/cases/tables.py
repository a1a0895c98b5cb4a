"""Reading a delimited file that nobody has prepared: encoding, delimiter, broken lines."""

import codecs
import csv
import io
from dataclasses import dataclass
from pathlib import Path

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
LONGEST_FIELD = 10_000_000  # characters
_BINARY = {
    b"PK\x03\x04": "an Excel workbook or a zip archive",
    b"PAR1": "a Parquet file",
    b"%PDF": "a PDF",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"\x1f\x8b": "a gzip archive",
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
}
_BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# Where UTF-8 does not fit, the file is of one of these; the first is the commonest.
_LEGACY = ["cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "shift_jis", "gb18030", "euc_kr"]


@dataclass(frozen=True)
class Table:
    """What stood in a delimited file.

    Attributes
    ----------
    name : str
        The file's name, without its folder.
    columns : list of str
    rows : list of dict
        Column to text.
    numbers : list of int
        Of each row, as a spreadsheet counts: the header is 1.
    broken : list of (int, str, str)
        Number, reason and content of rows that do not fit the header.
    read_as : str
        Encoding and delimiter, such as ``"UTF-8, separated by commas"``.
    """

    name: str
    columns: list
    rows: list
    numbers: list
    broken: list
    read_as: str


def read_table(path):
    """Read a delimited file with a header.

    Parameters
    ----------
    path : str or pathlib.Path

    Returns
    -------
    Table

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ValueError
        When it is no text, has no header or no rows, or a quote never closes.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(_absent(path))
    text, encoding = _decoded(path)
    first, _, rest = text.partition("\n")
    offset = 0
    if first.strip().lower().startswith("sep=") and len(first.strip()) <= 5:  # Excel's own line
        text, offset = rest, 1
    records, delimiter = _split(text, path.name)
    columns = _header(records, path.name, offset)
    rows, numbers, broken = [], [], []
    for number, record in enumerate(records[1:], start=2 + offset):
        if not any(field.strip() for field in record):
            broken.append((number, "an empty line", ""))
        elif len(record) != len(columns):
            reason = f"it has {len(record)} fields, the header {len(columns)}"
            broken.append((number, reason, " | ".join(record)))
        else:
            rows.append(dict(zip(columns, record, strict=True)))
            numbers.append(number)
    if not rows:
        raise ValueError(f"{path.name} has a header and no complete row below it.")
    read_as = f"{encoding}, separated by {DELIMITERS[delimiter]}"
    return Table(path.name, columns, rows, numbers, broken, read_as)


def _absent(path):
    import difflib

    folder = path.parent
    names = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
    close = difflib.get_close_matches(path.name, names, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return f"there is no file {str(path)!r}.{hint}"


def _decoded(path):
    """The text of a file, and what its encoding is called."""
    raw = path.read_bytes()
    if not raw.strip():
        raise ValueError(f"{path.name} is empty.")
    for start, kind in _BINARY.items():
        if raw.startswith(start):
            raise ValueError(
                f"{path.name} looks like {kind}, not like a text file. Save or export it as CSV."
            )
    for mark, encoding in _BOMS.items():
        if raw.startswith(mark):
            return _lines(_decode(raw, encoding, path.name)), _shown(encoding)
    if b"\x00" in raw:
        raise ValueError(
            f"{path.name} holds zero bytes, so it is no text file, or UTF-16 without its mark. "
            "Save it as CSV in UTF-8."
        )
    try:
        return _lines(raw.decode("utf-8")), "UTF-8"
    except UnicodeDecodeError:
        encoding = _guessed(raw)
        return _lines(_decode(raw, encoding, path.name)), f"{_shown(encoding)} (guessed)"


def _guessed(raw):
    from charset_normalizer import from_bytes

    matches = from_bytes(raw, cp_isolation=_LEGACY)
    best = matches.best()
    if best is None:
        return "cp1252"
    # Western European files are by far the commonest: another encoding has to be clearly better.
    western = next((match for match in matches if match.encoding == "cp1252"), None)
    if western is not None and western.chaos <= best.chaos + 0.02:
        return "cp1252"
    return best.encoding


def _decode(raw, encoding, name):
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{name} begins like {_shown(encoding)} and is not, at byte {error.start}. Save it as "
            "CSV in UTF-8."
        ) from None


def _lines(text):
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _shown(encoding):
    names = {"utf-8-sig": "UTF-8", "utf-16": "UTF-16", "cp1252": "Windows-1252"}
    return names.get(encoding, encoding)


def _split(text, name):
    """(records, delimiter): the delimiter under which most records are as wide as the header."""
    best, best_fit = None, (0.0, 0)
    for delimiter in DELIMITERS:
        records = _records(text, delimiter)
        width = len(records[0]) if records else 0
        filled = [record for record in records if any(field.strip() for field in record)]
        if width < 2 or len(filled) < 1:
            continue
        fit = (sum(len(record) == width for record in filled) / len(filled), width)
        if fit > best_fit:
            best, best_fit = (records, delimiter), fit
    if best is None:
        header = text.strip().partition("\n")[0][:80]
        raise ValueError(
            f"{name} seems to have a single column; its first line is {header!r}. Expected a "
            "header with two or more names, separated by commas, semicolons, tabs or vertical bars."
        )
    _check_quotes(text, best[1], name)
    return best


def _records(text, delimiter):
    csv.field_size_limit(LONGEST_FIELD)
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error:
        return []


def _check_quotes(text, delimiter, name):
    """A quote that never closes swallows everything below it, and csv does not mind."""
    if text.count('"') % 2 == 0:
        return
    reader = csv.reader(io.StringIO(text.rstrip("\n"), newline=""), delimiter=delimiter)
    began = following = 1
    for _ in reader:
        began, following = following, reader.line_num + 1
    if following - began > 1:  # the last record runs over several lines
        raise ValueError(
            f"{name}: the quote that opens in line {began} never closes, so everything below it "
            "would be read as one text. Close it there, or double it where it is meant."
        )


def _header(records, name, offset):
    columns = [field.strip() for field in records[0]]
    for position, column in enumerate(columns, start=1):
        if not column:
            raise ValueError(
                f"{name}: column {position} has no name in line {1 + offset}. The first line must "
                "name every column."
            )
    repeated = sorted({column for column in columns if columns.count(column) > 1})
    if repeated:
        raise ValueError(f"{name}: the column name {repeated[0]!r} stands twice in the header.")
    return columns
