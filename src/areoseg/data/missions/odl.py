"""Parse the text of PDS3 labels (ODL) and of VICAR labels.

Both are lists of `KEYWORD = value`. Values are returned as text, or as lists of texts, since the
meaning of a number depends on the type of the pixels: `16#FF7FFFFB#` may be a float.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

Value = str | list[str]
"""The text of a value without quotes and units, or the texts of a sequence or set."""

_TOKEN = re.compile(
    r"/\*.*?\*/"  # a comment
    r"|\"(?P<quoted>[^\"]*)\""
    r"|'(?P<symbol>(?:[^'\r\n]|'')*)'"
    r"|<(?P<unit>[^<>\r\n]*)>"
    r"|(?P<sign>[=(){},])"
    r"|(?P<word>[^\s=(){},<>\"']+)"
    r"|(?P<stray>\S)",
    re.DOTALL,
)

_BEGIN = ("OBJECT", "GROUP", "BEGIN_OBJECT", "BEGIN_GROUP")
_END = ("END_OBJECT", "END_GROUP")


@dataclass
class Block:
    """An object or group of a label, or a whole label.

    Attributes:
        name: Its name, empty for a whole label.
        values: Values by keyword, in upper case; the first of several is kept.
        units: Units of the values that have one, in upper case, by keyword.
        blocks: The objects and groups within it.
    """

    name: str = ""
    values: dict[str, Value] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    blocks: list["Block"] = field(default_factory=list)

    def walk(self) -> Iterator[tuple["Block", tuple["Block", ...]]]:
        """Yield this block and all within it, each with the blocks around it, the nearest first."""
        yield self, ()
        for block in self.blocks:
            for inner, around in block.walk():
                yield inner, (*around, self)

    def flat(self) -> dict[str, Value]:
        """Return the keywords of all blocks; the first of equal ones is kept, depth first."""
        found = dict(self.values)
        for block in self.blocks:
            for key, value in block.flat().items():
                found.setdefault(key, value)
        return found


def parse_odl(text: str) -> Block:
    """Parse a PDS3 label up to its END statement.

    Statements that are not understood, such as free text without quotes, are skipped.

    Examples:
        >>> label = parse_odl("^IMAGE = 513 <BYTES> OBJECT = IMAGE LINES = 4 END_OBJECT END")
        >>> label.values, label.units, label.blocks[0].values
        ({'^IMAGE': '513'}, {'^IMAGE': 'BYTES'}, {'LINES': '4'})
    """
    if end := re.search(r"^[ \t]*END[ \t]*$", text.replace("\r", "\n"), re.MULTILINE):
        text = text[: end.end()]
    tokens = [
        (match.lastgroup or "", match[match.lastgroup] if match.lastgroup else "")
        for match in _TOKEN.finditer(text)
        if match.lastgroup
    ]
    stack = [Block()]
    position = 0
    while position < len(tokens):
        kind, word = tokens[position]
        position += 1
        key = word.upper()
        if kind != "word":
            continue
        if key in _END and len(stack) > 1:
            stack.pop()
        elif tokens[position : position + 1] == [("sign", "=")]:
            value, unit, position = _value(tokens, position + 1)
            if key in _BEGIN:
                block = Block(str(value).upper())
                stack[-1].blocks.append(block)
                stack.append(block)
            elif key not in _END:
                stack[-1].values.setdefault(key, value)
                if unit:
                    stack[-1].units.setdefault(key, unit)
        elif key == "END":
            break
    return stack[0]


def _value(tokens: list[tuple[str, str]], position: int) -> tuple[Value, str, int]:
    """Return the value that starts at a position, its unit, and the position after them."""
    unit = ""
    if tokens[position : position + 1] in ([("sign", "(")], [("sign", "{")]):
        items: list[str] = []
        depth = 0
        while position < len(tokens):
            kind, text = tokens[position]
            position += 1
            if (kind, text) in (("sign", "("), ("sign", "{")):
                depth += 1
            elif (kind, text) in (("sign", ")"), ("sign", "}")):
                depth -= 1
                if depth == 0:
                    break
            elif kind == "unit":
                unit = text.strip().upper()
            elif kind != "sign":
                items.append(text.strip())
        return items, unit, position
    value = ""
    if position < len(tokens) and tokens[position][0] in ("word", "quoted", "symbol"):
        value = " ".join(tokens[position][1].split())
        position += 1
    if position < len(tokens) and tokens[position][0] == "unit":
        unit = tokens[position][1].strip().upper()
        position += 1
    return value, unit, position


_VICAR_ITEM = re.compile(r"(\w+)\s*=\s*(\((?:'(?:[^']|'')*'|[^)'])*\)|'(?:[^']|'')*'|[^\s'()]+)")


def parse_vicar(text: str) -> Block:
    """Parse a VICAR label: the system label, and one block per PROPERTY and TASK.

    Examples:
        >>> label = parse_vicar("LBLSIZE=512 NL=4 PROPERTY='IMAGE_DATA' INVALID_CONSTANT=(0,0)")
        >>> label.values["NL"], label.blocks[0].values["INVALID_CONSTANT"]
        ('4', ['0', '0'])
    """
    label = Block()
    current = label
    for key, raw in _VICAR_ITEM.findall(text):
        if raw.startswith("("):
            items = re.findall(r"'((?:[^']|'')*)'|([^\s,()']+)", raw)
            value: Value = [quoted.strip() or bare for quoted, bare in items]
        else:
            value = raw.strip("'").strip()
        if key.upper() in ("PROPERTY", "TASK"):
            current = Block(str(value).upper())
            label.blocks.append(current)
        else:
            current.values.setdefault(key.upper(), value)
    return label
