"""Mutation of inputs with changed bits and bytes, moved parts, and strings that break parsers."""

from __future__ import annotations

from random import Random

WORDS: tuple[bytes, ...] = (
    b"\x00",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xed\xa0\x80",
    b"\xf0\x9f\x98\x80",
    b"%00",
    b"%ff",
    b"%ud800",
    b"\\ud800",
    b"\\u0000",
    b"\r\n\r\n",
    b"\n\n",
    b"[" * 2000,
    b'{"a":' * 400,
    b"9" * 400,
    b"9" * 5000,
    b"1e999",
    b"-0",
    b"NaN",
    b"Infinity",
    b"-1",
    b"2147483648",
    b"18446744073709551616",
    b"0x10",
    b"null",
    b"true",
    b'""',
    b"{}",
    b"[]",
    b"../",
    b"%2e%2e%2f",
    b"@",
    b"$",
    b"{",
    b"}",
    b"{{",
    b"{*",
    b":",
    b"*",
    b"?",
    b"#",
    b"&&==",
    b"0000-00-00T00:00:00Z",
    b"9999-12-31T23:59:59.9999999+14:00",
    b"24:60:60",
    b"A" * 3000,
    b"\xc3\xa9",
    "\u0130\u2028\u202e".encode(),
    "\u0661\u0662".encode(),
)


def mutated(random: Random, seeds: tuple[bytes, ...]) -> bytes:
    """Return one of ``seeds`` with one to eight changes, or, in rare cases, random bytes."""
    if random.random() < 0.05:
        return random.randbytes(random.randrange(200))
    data = bytearray(random.choice(seeds))
    for _ in range(random.choice((1, 1, 2, 3, 8))):
        start = random.randrange(len(data) + 1)
        end = min(len(data), start + random.choice((1, 2, 4, 16, 100)))
        match random.randrange(8):
            case 0 if data:
                data[min(start, len(data) - 1)] ^= 1 << random.randrange(8)
            case 1:
                data[start:end] = random.randbytes(random.randrange(1, 5))
            case 2:
                del data[start:end]
            case 3:
                data[start:start] = random.choice(WORDS)
            case 4:
                data[start:end] = random.choice(WORDS)
            case 5:
                data[start:start] = data[start:end] * random.choice((1, 2, 50))
            case 6:
                other = random.choice(seeds)
                offset = random.randrange(len(other) + 1)
                data[start:end] = other[offset : offset + random.randrange(60)]
            case _:
                del data[end:]
    return bytes(data)
