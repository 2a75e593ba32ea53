"""Exact and near duplicates of files. Near: MinHash over shingles of five tokens, looked up by LSH bands.

A signature has 64 values in 16 bands of 4: two files that share 0.7 of their shingles meet in some band with
probability 1 - (1 - 0.7^4)^16 = 0.99; they count as duplicates where at least 45 of the 64 values agree (Broder 1997).
"""
import array
import ctypes
import hashlib

from native import library

VALUES, BANDS, ALIKE = 64, 16, 45


def exact_key(text):
    """The same for texts that differ in white space only."""
    return hashlib.sha256(" ".join(text.split()).encode()).digest()[:16]


def signature(text):
    """64 minimum hashes of the text's token shingles, as a tuple of ints."""
    data, out = text.encode(), (ctypes.c_uint32 * VALUES)()
    library().minhash(data, ctypes.c_size_t(len(data)), out)
    return tuple(out)


class Seen:
    """Remembers what was kept. `add`, of a text's exact_key and signature, says what it repeats: "exact", "near" or None (it is kept)."""

    def __init__(self):
        self.exact, self.bands, self.signatures = set(), {}, []

    def add(self, key, values):
        if key in self.exact:
            return "exact"
        self.exact.add(key)
        width = VALUES // BANDS
        keys = [hash((band,) + values[band * width:(band + 1) * width]) for band in range(BANDS)]
        for band in keys:
            for other in self.bands.get(band, ()):
                if sum(map(int.__eq__, values, self.signatures[other])) >= ALIKE:
                    return "near"
        for band in keys:
            bucket = self.bands.setdefault(band, [])
            if len(bucket) < 20:
                bucket.append(len(self.signatures))
        self.signatures.append(array.array("I", values))
        return None
