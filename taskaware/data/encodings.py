"""The encoding of a text file: UTF-8, or what its bytes look like."""

import codecs
import re

from taskaware.data.content import Content
from taskaware.errors import UserError

UTF8 = "utf-8-sig"
BLOCK = 1 << 20
SAMPLE = 1 << 16
"""Bytes that an encoding is guessed from."""

ONE_BYTE = ("cp1252", "cp1250", "cp1251", "cp1253", "cp1254")
MORE_BYTES = ("cp932", "gb18030", "big5", "euc_kr")
"""Encodings that are told apart."""

BOMS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def encoding_of(content: Content) -> str:
    """The encoding of a text file.

    UTF-8 is checked to the last byte. Otherwise a byte order mark decides, or charset-normalizer by the
    first bytes that are not ASCII.

    Args:
        content: the file.

    Returns:
        A name that `open` knows; "utf-8-sig" for UTF-8 with or without a byte order mark.

    Raises:
        UserError: the bytes are no text in any encoding that can be told.
    """
    with content.open() as file:
        head = file.read(SAMPLE)
    marked = next((name for mark, name in BOMS.items() if head.startswith(mark)), None) or _utf16(head)
    if marked:
        return marked
    with content.open() as file:
        sample = _not_utf8(file)
    return _guessed(sample, content.name) if sample else UTF8


def checked_encoding(name: str) -> str:
    """The encoding that a user has named.

    Raises:
        UserError: Python knows no such encoding.
    """
    try:
        codecs.lookup(name)
    except (LookupError, ValueError) as error:
        raise UserError(
            f"There is no encoding '{name}'. Give utf-8, latin-1, cp1252, utf-16 or another one of Python's."
        ) from error
    return name


def _utf16(head: bytes) -> str | None:
    """UTF-16 without a byte order mark: every other byte of ASCII text is zero."""
    for name, zeros, others in (("utf-16-le", head[1::2], head[::2]), ("utf-16-be", head[::2], head[1::2])):
        if len(head) > 3 and zeros.count(0) > 0.8 * len(zeros) and others.count(0) < 0.01 * len(others) + 1:
            return name
    return None


def _not_utf8(file) -> bytes:
    """Bytes from the first one on that is no UTF-8; none where the file is UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    while block := file.read(BLOCK):
        try:
            decoder.decode(block)
        except UnicodeDecodeError as error:
            # Some text before it helps to tell the language.
            return block[max(0, error.start - SAMPLE // 2) :][:SAMPLE]
    return b""


def _guessed(sample: bytes, path: str) -> str:
    from charset_normalizer import from_bytes

    if b"\0" in sample:
        raise UserError(
            f"'{path}' holds zero bytes, so it is no text. Check that the file is what its name says."
        )
    # A letter of more than one byte hardly ever stands alone between ASCII letters.
    names = (*ONE_BYTE, *MORE_BYTES) if re.search(rb"[\x80-\xff]{2}", sample) else ONE_BYTE
    guesses = [guess.encoding for guess in from_bytes(sample, cp_isolation=list(names))]
    if not guesses:
        raise UserError(f"The encoding of '{path}' cannot be told. Save the file as UTF-8.")
    # Most Western European bytes are letters of Central European text as well.
    return "cp1252" if guesses[0] == "cp1250" and "cp1252" in guesses else guesses[0]
