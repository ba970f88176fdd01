"""Which way up a picture is: the orientation its EXIF block states, if the block is whole.

Pillow's own reader tells a damaged block by Python warnings, and whoever wants to know has to
change the warning filters of the whole process while other threads decode. This one answers
directly. It reads the first directory only, as Pillow does, and agrees with it (tested on mutated
blocks).

References
----------
CIPA DC-008 (Exif 2.32), section 4.6; TIFF 6.0, section 2.
"""

import struct
from typing import Final

__all__ = ["read_orientation"]

UPRIGHT: Final = 1
ORIENTATION_TAG: Final = 0x0112
# The last two are written by mistake, and readers take them.
BYTE_ORDERS: Final = {b"II*\0": "<", b"MM\0*": ">", b"II\0*": "<", b"MM*\0": ">"}
HEADER_BYTES: Final = 8
ENTRY_BYTES: Final = 12
INLINE_BYTES: Final = 4
# Bytes of one value of each field type; the types whose values are whole numbers, as struct
# writes them; and those that are one value however long they are.
SIZES: Final = {
    1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8,
}  # fmt: skip
WHOLE_NUMBERS: Final = {3: "H", 4: "L", 6: "b", 8: "h", 9: "l", 13: "L", 16: "Q"}
ONE_VALUE: Final = (1, 2, 7)


def read_orientation(block: bytes) -> int:
    """Return the orientation that an EXIF block states; 1 (upright) where it states none.

    Parameters
    ----------
    block : bytes
        TIFF structure, with or without ``Exif\\0\\0`` in front.

    Returns
    -------
    int
        1 to 8 by the standard; whatever number the block holds.

    Raises
    ------
    ValueError
        If the block is damaged, so that what it states cannot be believed.
    """
    data = block
    for _ in range(2):
        data = data.removeprefix(b"Exif\0\0")
    if not data:
        return UPRIGHT
    order = BYTE_ORDERS.get(data[:4])
    if order is None or len(data) < HEADER_BYTES:
        raise ValueError("it does not start like a TIFF file")
    (start,) = struct.unpack_from(f"{order}L", data, 4)
    if len(data) < start + 2:
        raise ValueError("its directory is missing")
    (n_entries,) = struct.unpack_from(f"{order}H", data, start)
    # Behind the entries stands where the next directory begins.
    if len(data) < start + 2 + n_entries * ENTRY_BYTES + 4:
        raise ValueError("its directory ends too early")
    return _read_directory(data, order, start + 2, n_entries)


def _read_directory(data: bytes, order: str, start: int, n_entries: int) -> int:
    orientation = UPRIGHT
    seen: set[int] = set()
    n_elsewhere = 0
    for i in range(n_entries):
        at = start + i * ENTRY_BYTES
        tag, field_type, count = struct.unpack_from(f"{order}HHL", data, at)
        if tag in seen or field_type not in SIZES or count == 0:
            continue
        seen.add(tag)
        size = count * SIZES[field_type]
        where = at + ENTRY_BYTES - INLINE_BYTES
        if size > INLINE_BYTES:
            (where,) = struct.unpack_from(f"{order}L", data, where)
            # Values that lie over each other cannot all be meant.
            n_elsewhere += size
            if n_elsewhere > len(data) or where + size > len(data):
                raise ValueError(f"the value of tag {tag} lies outside it")
        if tag == ORIENTATION_TAG:
            orientation = _read_value(data, order, where, field_type, count)
    return orientation


def _read_value(data: bytes, order: str, where: int, field_type: int, count: int) -> int:
    if field_type not in ONE_VALUE and count > 1:
        raise ValueError(f"it states {count} orientations")
    code = WHOLE_NUMBERS.get(field_type)
    return int(struct.unpack_from(f"{order}{code}", data, where)[0]) if code else UPRIGHT
