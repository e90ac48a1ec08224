"""Reads JSON documents with Python's json and says what they mean to it.

A document comes as its length in four bytes, most significant first, and its bytes; so does the answer.
An answer is "!" and a reason, or "=" and the reading (see ../src/reading.rs): members in their order and
with equal keys, numbers by the literal that the parser took and the double that it stands for.
"""

import json
import struct
import sys

OLDEST = (3, 9)
LENGTH = struct.Struct(">I")
DOUBLE = struct.Struct(">d")


class Number(str):
    """A number, rendered."""


class Members(list):
    """The members of an object."""


def number(kind):
    return lambda literal: Number(f"{kind}{literal}={DOUBLE.pack(float(literal)).hex()}")


def refuse(constant):
    raise ValueError(f"{constant} is no JSON")


def text(characters):
    return '"' + characters.encode("utf-16-be", "surrogatepass").hex() + '"'


def rendered(value):
    if value is None:
        return "n"
    if value is True:
        return "t"
    if value is False:
        return "f"
    if isinstance(value, Number):
        return value
    if isinstance(value, str):
        return text(value)
    if isinstance(value, Members):
        return "{" + ",".join(f"{text(key)}:{rendered(member)}" for key, member in value) + "}"
    return "[" + ",".join(map(rendered, value)) + "]"


def answer(document):
    try:
        # Bytes and not text: Python guesses the encoding, as it does for a server that hands it a body.
        value = json.loads(
            document,
            parse_int=number("i"),
            parse_float=number("d"),
            parse_constant=refuse,
            object_pairs_hook=Members,
        )
        return "=" + rendered(value)
    except (ValueError, RecursionError) as error:
        return f"!{error}"


def main():
    if sys.version_info < OLDEST:
        sys.exit(f"Python {'.'.join(map(str, OLDEST))} or later is needed, this is {sys.version.split()[0]}")
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while header := source.read(LENGTH.size):
        (length,) = LENGTH.unpack(header)
        reply = answer(source.read(length)).encode("utf-8", "backslashreplace")
        sink.write(LENGTH.pack(len(reply)) + reply)
        sink.flush()


main()
