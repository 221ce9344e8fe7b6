"""Inputs made from inputs, in the style of a byte fuzzer: bits, bytes, pieces, numbers and words that parsers stumble over."""

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
    """One of ``seeds``, changed in one to eight places; now and then bytes by chance alone."""
    if random.random() < 0.05:
        return random.randbytes(random.randrange(200))
    data = bytearray(random.choice(seeds))
    for _ in range(random.choice((1, 1, 2, 3, 8))):
        at = random.randrange(len(data) + 1)
        upto = min(len(data), at + random.choice((1, 2, 4, 16, 100)))
        match random.randrange(8):
            case 0 if data:
                data[min(at, len(data) - 1)] ^= 1 << random.randrange(8)
            case 1:
                data[at:upto] = random.randbytes(random.randrange(1, 5))
            case 2:
                del data[at:upto]
            case 3:
                data[at:at] = random.choice(WORDS)
            case 4:
                data[at:upto] = random.choice(WORDS)
            case 5:
                data[at:at] = data[at:upto] * random.choice((1, 2, 50))
            case 6:
                other = random.choice(seeds)
                begin = random.randrange(len(other) + 1)
                data[at:upto] = other[begin : begin + random.randrange(60)]
            case _:
                del data[upto:]
    return bytes(data)
