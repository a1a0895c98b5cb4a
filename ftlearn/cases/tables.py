"""Reading a table that nobody has prepared, under one law: every row is in it or is listed."""

import codecs
import contextlib
import csv
import difflib
import json
import os
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from .. import checked_yaml
from . import cards
from .intake import NotThere, Refused, places, short

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
LONGEST_QUOTED = 1_000_000  # characters; a quotation mark that closes later is a stray one
SAMPLE = 1000  # lines by which the delimiter is found
ID_SHARE = 1 / 3  # different values to rows, above which a column is no column of classes
UNREADABLE = "\N{REPLACEMENT CHARACTER}"
_NOT_TABLES = checked_yaml.load(cards.PROJECT / "data" / "not_tables.yaml", "data/not_tables.yaml")
# The longer marks first: that of UTF-32 begins with that of UTF-16.
_BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# Where UTF-8 does not fit, the file is of one of these; the first is the commonest.
_LEGACY = "cp1252 cp1250 cp1251 cp1253 cp1254 cp1255 cp1256 koi8_r shift_jis gb18030 big5 euc_kr"


@dataclass(frozen=True)
class Table:
    """What stood in a table; `rows` and `broken` together are all of its rows.

    A delimited file is numbered as a spreadsheet counts (the header is 1), JSON lines from 1, a
    DataFrame from 0. A column without a name is not among the columns.
    """

    name: str
    columns: list
    rows: list  # of dict, column to text
    numbers: list  # of the rows
    broken: list  # (number, reason, content) of rows that could not be taken
    read_as: str  # such as "UTF-8, separated by commas"
    notes: list = field(default_factory=list)


def read_table(source):
    """The `Table` of a delimited file, of JSON, or of a DataFrame (what has ``to_pandas``)."""
    if hasattr(source, "to_pandas"):
        source = source.to_pandas()
    if hasattr(source, "iloc") and hasattr(source, "columns"):
        columns, rows = _texts_of(source)
        read_as = "a DataFrame, rows counted from 0"
        table = Table("DataFrame", columns, rows, list(range(len(rows))), [], read_as)
    else:
        path = learners_path(source, "file")
        text, encoding = _decoded(path)
        read = _of_json if _is_json(path, text) else _of_lines
        table = read(text, path.name, encoding)
    if "guessed" in table.read_as:
        such = next((c for row in table.rows for c in row.values() if not c.isascii()), "")
        table.notes.append(
            f"The encoding was guessed. Does this look right: {short(such, 60)!r}? If not, save "
            "the file as UTF-8."
        )
    if not table.rows:
        why = f": {table.broken[0][1]}, for one" if table.broken else ""
        raise Refused(f"{table.name} has no complete row{why}.")
    unreadable = [
        number
        for number, row in zip(table.numbers, table.rows, strict=True)
        if any(UNREADABLE in cell for cell in row.values())
    ]
    if unreadable:
        table.notes.append(
            f"Rows with a sign that could not be read in this encoding: {len(unreadable):,} "
            f"({places('row', unreadable)}). It is shown as {UNREADABLE}."
        )
    return table


# --- what a learner hands over ----------------------------------------------------------------


def learners_path(given, kind):
    """The path that a learner means, however written, of a "file" or "folder" that is there."""
    if not isinstance(given, str | os.PathLike):
        also = " or a DataFrame" if kind == "file" else ""
        raise Refused(
            f"expected the path of a {kind}{also}; this is a {type(given).__name__}: "
            f"{short(repr(given), 60)}."
        )
    text = os.fsdecode(given)
    text = text.strip().removeprefix("file://") if "file://" in text else text
    if re.match(r"\s*[a-z][a-z0-9+.-]+://", text, re.IGNORECASE):
        raise Refused(f"{text!r} is an address. Download it first, then give the {kind}'s path.")
    if not text.strip():
        raise Refused(f"the path is empty. Give the path of a {kind}.")
    if re.search(r"[\x00-\x1f]", text):
        meant = "".join(_AS_TYPED.get(sign, sign) for sign in text)
        raise Refused(
            f"the path {text!r} holds a control character, which a backslash makes in Python. "
            f"Write r'{meant}' or '{meant.replace(chr(92), '/')}'."
        )
    path = _first_that_is_there(text) or _absent(_expanded(text), kind)
    if kind == "file" and path.is_dir():
        raise Refused(f"{str(given)!r} is a folder. For images there is case_from_folder.")
    if kind == "folder" and not path.is_dir():
        with path.open("rb") as file:
            packed = file.read(4) == b"PK\x03\x04"
        raise Refused(
            f"{str(given)!r} is a "
            + ("zip archive. Unpack it, then give" if packed else "file. Give")
            + " the path of the folder with the images."
        )
    return path


_AS_TYPED = {"\a": r"\a", "\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t"}
_AS_TYPED |= {"\v": r"\v"} | {chr(n): rf"\{n}" for n in range(7)} | {"\x0e": r"\16"}


def _expanded(text):
    return Path(os.path.expanduser(os.path.expandvars(text)))


def _first_that_is_there(text):
    """The path as it stands, or as it was meant: out of quotes, with slashes."""
    bare = text.strip().strip("\"'")
    for way in (text, bare, bare.replace("\\", "/")):
        for path in (Path(way), _expanded(way)):
            with contextlib.suppress(OSError):  # a name too long for a path
                if path.exists():
                    return path
    return None


def _absent(path, kind):
    folder = path.parent
    names = [entry.name for entry in folder.iterdir()] if os.access(folder, os.R_OK) else []
    close = difflib.get_close_matches(path.name, names, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else f" Python looks from {str(Path.cwd())!r}."
    raise NotThere(f"there is no {kind} {str(path)!r}.{hint}")


# --- from bytes to text -----------------------------------------------------------------------


def _decoded(path):
    """The text of a file, its line ends alike, and what its encoding is called."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise Refused(f"{path.name} cannot be read: {error.strerror}.") from None
    if not raw.strip():
        raise Refused(f"{path.name} is empty. Export it once more.")
    for start, kind in _NOT_TABLES.items():
        if raw.startswith(start.encode("latin-1")):
            raise Refused(f"{path.name} looks like {kind}.")
    text, encoding = _text_of(raw, path.name)
    return text.replace("\r\n", "\n").replace("\r", "\n"), encoding


def _text_of(raw, name):
    for mark, encoding in _BOMS.items():
        if raw.startswith(mark):
            return raw.decode(encoding, "replace"), encoding.removesuffix("-sig").upper()
    for start, encoding in ((1, "UTF-16-LE"), (0, "UTF-16-BE")):
        if raw[start::2].count(b"\x00") > 0.3 * len(raw) / 2 and len(raw) % 2 == 0:
            return raw.decode(encoding, "replace"), encoding
    if raw.count(b"\x00") > len(raw) / 1000:
        raise Refused(f"{name} holds zero bytes, so it is no text file. Save it as CSV in UTF-8.")
    raw = raw.replace(b"\x00", UNREADABLE.encode())
    lines = [line for line in raw.splitlines() if not line.isascii()]
    damaged = sum(line.decode("utf-8", "ignore").encode() != line for line in lines)
    if damaged <= len(lines) / 2:
        return raw.decode("utf-8", "replace"), "UTF-8"
    encoding = _guessed(raw)
    shown = "Windows-1252" if encoding == "cp1252" else encoding
    return raw.decode(encoding, "replace"), f"{shown} (guessed)"


def _guessed(raw):
    from charset_normalizer import from_bytes

    words = b" ".join(word for word in re.split(rb"[\s,;|]+", raw) if not word.isascii())
    matches = from_bytes(words, cp_isolation=_LEGACY.split())
    best = matches.best()
    # Western European files are by far the commonest: another encoding has to be clearly better.
    western = next((match for match in matches if match.encoding == "cp1252"), None)
    if best is None or (western is not None and western.chaos <= best.chaos + 0.02):
        return "cp1252"
    if words.decode("cp1252", "replace") == words.decode(best.encoding, "replace"):
        return "cp1252"
    return best.encoding


# --- DataFrames and JSON ----------------------------------------------------------------------


def _texts_of(frame):
    """The columns of a DataFrame, and its rows in text."""
    columns = [str(column).strip() for column in frame.columns]
    filled = frame.astype(object).where(frame.notna(), None)
    cells = [[_cell_text(value) for value in filled.iloc[:, at]] for at in range(len(columns))]
    return columns, [dict(zip(columns, row, strict=True)) for row in zip(*cells, strict=True)]


def _cell_text(value):
    if isinstance(value, str):
        # Half a surrogate pair is no sign and can be written to no file.
        return re.sub(r"[\ud800-\udfff]", UNREADABLE, value)
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple | dict | set):
        return json.dumps(value, ensure_ascii=False, default=str)
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # pandas makes 1.0 of a 1 in a column with gaps
    return str(value)


def _is_json(path, text):
    start = text.lstrip()
    if not start.startswith(("{", "[")):
        return False
    if path.suffix.casefold() in (".json", ".jsonl", ".ndjson"):
        return True
    return _parsed(start.partition("\n")[0]) is not None or _parsed(start) is not None


def _parsed(text):
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _of_json(text, name, encoding):
    """A table of JSON: one object a line, a list of objects, or an object of columns."""
    import pandas as pd

    whole = _parsed(text)
    if isinstance(whole, dict):
        lists = [value for value in whole.values() if isinstance(value, list)]
        if len(lists) == 1 and all(isinstance(item, dict) for item in lists[0]):
            whole = lists[0]  # {"data": [{...}, ...]}
        elif whole and all(isinstance(value, dict | list) for value in whole.values()):
            try:
                whole = pd.DataFrame(whole).to_dict("records")
            except ValueError:
                raise Refused(
                    f"{name} is JSON, but no table: its lists differ in length."
                ) from None
    if isinstance(whole, list):
        numbered, form = list(enumerate(whole, start=1)), "a JSON list"
    else:
        lines = enumerate(text.split("\n"), start=1)
        numbered = [(n, _parsed(line) or line) for n, line in lines if line.strip()]
        form = "JSON lines"
    objects = {n: row for n, row in numbered if isinstance(row, dict)}
    broken = [(n, "it is no JSON object", str(row)) for n, row in numbered if n not in objects]
    columns, rows = _texts_of(pd.DataFrame(list(objects.values()), dtype=object))
    return Table(name, columns, rows, list(objects), broken, f"{encoding}, {form}")


# --- delimited lines --------------------------------------------------------------------------


def _of_lines(text, name, encoding):
    lines = text.removesuffix("\n").split("\n")
    own_line = re.fullmatch(r"sep=(.?)", lines[0].strip().casefold())  # Excel's
    if own_line:
        lines = lines[1:]
    blank_above = next((at for at, line in enumerate(lines) if line.strip(" ,;|\t")), len(lines))
    delimiter = _delimiter(lines[blank_above:][:SAMPLE], name, own_line)
    records = _records(lines[blank_above:], delimiter)
    if sum(record.lines for record in records) != len(lines) - blank_above:
        raise RuntimeError(f"{name}: {len(lines)} lines were not all read; report this.")
    header, columns, notes = _header(records, name)
    broken = [(n + 1 + bool(own_line), "an empty line", "") for n in range(blank_above)]
    rows, numbers, stray = [], [], []
    for number, record in enumerate(records[1:], start=2 + blank_above + bool(own_line)):
        cells = [cell.strip() for cell in record.cells]
        while len(cells) > len(header) and not cells[-1]:
            cells.pop()
        if not any(cells):
            broken.append((number, "an empty line", ""))
        elif cells == header:
            broken.append((number, "it is the header once more", " | ".join(cells)))
        elif not max(columns.values()) < len(cells) <= len(header):
            fields = "1 field" if len(cells) == 1 else f"{len(cells)} fields"
            reason = f"it has {fields}, the header {len(header)}"
            broken.append((number, reason, " | ".join(record.cells)))
        else:
            rows.append({column: cells[at] for column, at in columns.items()})
            numbers.append(number)
            stray += [number] if record.stray else []
    if stray:
        notes.append(
            f"Rows with a stray quotation mark: {len(stray):,} ({places('row', stray)}). It was "
            "read as an ordinary sign, and each line as a row of its own."
        )
    read_as = f"{encoding}, separated by {DELIMITERS[delimiter]}"
    return Table(name, list(columns), rows, numbers, broken, read_as, notes)


def _delimiter(lines, name, own_line):
    """The delimiter under which most records are as wide as the header."""
    if own_line and own_line[1] in DELIMITERS:
        return own_line[1]
    best = _best_delimiter(lines)
    if best is None:
        header = lines[0].strip()[:80] if lines else ""
        for above in range(1, min(6, len(lines) - 1)):
            if _best_delimiter(lines[above:]):
                raise Refused(
                    f"{name}: its first line, {header!r}, is no header; names seem to stand "
                    f"{above} lines further down. Delete what stands above them."
                )
        raise Refused(
            f"{name} seems to have a single column; its first line is {header!r}. Expected a "
            "header with two or more names, separated by commas, semicolons, tabs or vertical bars."
        )
    return best


def _best_delimiter(lines):
    best, best_fit = None, (0.0, 0)
    for delimiter in DELIMITERS:
        records = [record.cells for record in _records(lines, delimiter)]
        records = [cells for cells in records if any(cell.strip() for cell in cells)]
        width = _width(records)
        if width < 2:
            continue
        fit = (sum(len(cells) == width for cells in records[1:]) / len(records), width)
        if fit > best_fit:
            best, best_fit = delimiter, fit
    return best


def _width(records):
    """Fields of a record: of the header, or one more where numbers without a name lead the rows."""
    header, *rows = records or [[]]
    leading = [cells[0].strip() for cells in rows if len(cells) == len(header) + 1]
    numbered = len(leading) > 0.9 * len(rows) and all(map(str.isdigit, leading))
    return len(header) + (numbered and len(set(leading)) == len(leading))


def _header(records, name):
    """(all fields of the header, column to position, notes); a nameless column is not read."""
    header = [cell.strip() for cell in records[0].cells]
    header = [""] * (_width([record.cells for record in records]) - len(header)) + header
    columns = {}
    for at, column in enumerate(header):
        if column:
            columns.setdefault(column, at)
    if not columns:
        raise Refused(f"{name}: the first line names no column.")
    nameless, notes = header.count(""), []
    if nameless:
        notes.append(f"Columns without a name: {nameless}. They were not read.")
    repeated = [column for column, times in Counter(header).items() if column and times > 1]
    if repeated:
        notes.append(
            f"Column names that stand there twice: {', '.join(map(repr, repeated))}. Of each the "
            "first was read."
        )
    return header, columns, notes


class _Record(NamedTuple):
    cells: list
    lines: int  # that it takes up in the file
    stray: bool = False  # whether a quotation mark in it was read as an ordinary sign


def _records(lines, delimiter):
    """Records of delimited lines, one after another; every line belongs to exactly one."""
    reader, records, at = _Reader(lines, delimiter), [], 0
    while at < len(lines):
        records.append(reader.record(at))
        at += records[-1].lines
    return records


class _Reader:
    """Reads one record at a time.

    Python's csv, which pandas uses as well, takes a quotation mark that never closes for a text
    that runs on, and swallows the rows below without a word. So a record that is quoted wrongly, or
    runs over lines that are rows by themselves, is read once more: its first line alone, with the
    mark as an ordinary sign.
    """

    def __init__(self, lines, delimiter):
        self.lines, self.delimiter = lines, delimiter
        self.by_line = [[_bare(cell) for cell in line.split(delimiter)] for line in lines]
        self.width = self.classes = None
        header = (self._quoted(0) or self._alone(0)).cells if lines else []
        self.width = _width([header, *self.by_line[1:]])
        self.classes = self._column_of_classes()

    def record(self, at):
        line = self.lines[at]
        if '"' not in line and "'" not in line:
            return self._alone(at)
        by_the_book = self._quoted(at)
        if by_the_book and len(by_the_book.cells) == self.width:
            return by_the_book
        escaped = self._quoted(at, escaped=True)
        if escaped and len(escaped.cells) == self.width:
            return escaped
        for cells in (self.by_line[at], *self._other_ways(line)):
            if len(cells) == self.width:
                return _Record(cells, 1, stray='"' in line)
        return by_the_book or escaped or self._alone(at)

    def _alone(self, at):
        return _Record(self.by_line[at], 1, stray='"' in self.lines[at])

    def _quoted(self, at, escaped=False):
        r"""The record by the book (`escaped`: a quote in a text is \"), or None."""
        lines = (self.lines[n] + "\n" for n in range(at, len(self.lines)))
        if escaped:
            lines = (line.replace('\\"', '""') for line in lines)
        csv.field_size_limit(LONGEST_QUOTED)
        reader = csv.reader(lines, delimiter=self.delimiter, strict=True, skipinitialspace=True)
        try:
            record = _Record(next(reader), reader.line_num)
        except csv.Error:
            return None
        return None if self._swallows(at, at + record.lines) else record

    def _swallows(self, start, end):
        """Whether lines that one text runs over look like complete rows of their own."""
        complete = [self._is_row(cells) for cells in self.by_line[start:end]]
        if len(complete) == 1 or not complete[0] or not complete[-1]:
            return False
        if self.classes:
            return sum(complete) > len(complete) / 2
        # Without classes to go by, a comma in each line of a longer text may be chance.
        return all(complete) and (len(complete) > 2 or self.delimiter in "\t|")

    def _is_row(self, cells):
        if len(cells) != self.width:
            return False
        return not self.classes or cells[self.classes[0]] in self.classes[1]

    def _column_of_classes(self):
        """(position, repeated values) of the column that has fewest, if they are classes."""
        rows = [cells for cells in self.by_line[1:] if len(cells) == self.width]
        found = None
        for at, column in enumerate(zip(*rows, strict=True)):
            times = Counter(cell for cell in column if cell)
            values = {value for value, count in times.items() if count > 1}
            fewest = found is None or len(values) < len(found[1])
            if fewest and 2 <= len(values) <= max(2, ID_SHARE * len(rows)):
                found = at, values
        return found

    def _other_ways(self, line):
        """Fields of one line by itself, whatever stands inside its quotes."""
        inner = line.strip()
        if len(inner) > 1 and inner.startswith('"') and inner.endswith('"'):
            yield re.split(rf'"\s*{re.escape(self.delimiter)}\s*"', inner[1:-1])
        options = {"delimiter": self.delimiter, "skipinitialspace": True}
        for quote in "\"'":
            with contextlib.suppress(csv.Error):  # longer than LONGEST_QUOTED
                yield next(csv.reader([line], quotechar=quote, **options), [])


def _bare(cell):
    """A field without the quotation marks around it."""
    cell = cell.strip()
    if len(cell) > 1 and cell.startswith('"') and cell.endswith('"'):
        return cell[1:-1].replace('""', '"')
    return cell
