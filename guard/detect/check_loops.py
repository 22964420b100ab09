"""The checks of identifiers as compiled loops: what `guard.detect.identifier_checks` says of a normal form.

A check takes `value[:size]` and says 1 or 0, or UNKNOWN for what is written in a way that only the Python function
reads. These functions are the definition, and tests hold every loop to them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from guard.compiled import inlined_loop, tight_loop

Bytes = npt.NDArray[np.uint8]
UNKNOWN = -1
(UNEVEN, CONTAINS_DIGIT, CONTAINS_DIGIT_OR_MARK, MOD_11_2, ID_BIRTH_DATE, CN_PROVINCE, CN_REGION, BIRTH_DATE,
 CALENDAR_DATE, USCC_CHECK, USCC_DEPARTMENT, REGION_OF_USCC, USCC_ORGANISATION, ORGANISATION_CODE,
 BUSINESS_REGISTRATION, LUHN, CARD_ISSUER, MOBILE_SEGMENT, AREA_CODE, VIN_CHECK, VIN_LETTERS, EMBEDDED_ID, IP_ADDRESS,
 IP_OF_SOMEBODY, MAC_UNICAST, NANP_NUMBER, NOT_FILE_NAME) = range(27)
"""The checks, in the order of `check_tables.CHECKS`."""
PROVINCES, REGIONS, SEGMENTS, SHORT_AREAS, LONG_AREAS, DEPARTMENTS, USCC, ORGANISATION, VIN, ISSUERS, SUFFIXES, SIZE = (
    0, 100, 10_100, 11_100, 12_100, 22_100, 38_484, 38_740, 38_996, 39_252, 39_552, 40_100)
"""Where each table begins in the one array of `check_tables.tables`, and its size. The first five are indexed by a
number of two, four, three, three and four digits, departments by two ASCII codes, the values of letters by one; then
rows of issuers and of suffixes, behind their number."""
ISSUER_ROW, SUFFIX_ROW = 10, 9
NO_VALUE = 255
_ID_WEIGHTS = np.array((7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2))
_USCC_WEIGHTS = np.array((1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28))
_ORGANISATION_WEIGHTS = np.array((3, 7, 9, 10, 5, 8, 4, 2))
_VIN_WEIGHTS = np.array((8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2))
_MONTHS = np.array((0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31))
"""The constants of the standards a second time, on purpose: the comparison of both finds a slip in either."""
_OLDEST = 120
_LONGEST_NUMBER = 9
_X = 88


@tight_loop
def passes(tables: Bytes, today: int, check: int, value: Bytes, size: int, plain: bool) -> int:
    """What `check` says of `value[:size]`; `plain` when that is ASCII, `today` is the date as YYYYMMDD."""
    if check in (CONTAINS_DIGIT, CONTAINS_DIGIT_OR_MARK):
        return int(_contains_digit(value, size, check == CONTAINS_DIGIT_OR_MARK))
    if not plain:
        return UNKNOWN
    if check <= EMBEDDED_ID:
        return _of_numbers(tables, today, check, value, size)
    if check in (IP_ADDRESS, IP_OF_SOMEBODY):
        return _ip(value, size, check == IP_OF_SOMEBODY)
    if check == MAC_UNICAST:
        return int(_is_unicast(value, size))
    if check == NANP_NUMBER:
        return int(_is_nanp(value, size))
    if check == NOT_FILE_NAME:
        return int(_is_no_file_name(tables, value, size))
    return UNKNOWN


@inlined_loop
def _of_numbers(tables: Bytes, today: int, check: int, value: Bytes, size: int) -> int:
    if check == UNEVEN:
        return int(_is_uneven(value, size))
    if check == MOD_11_2:
        return int(size == 18 and _has_mod_11_2(value, 0))
    if check == ID_BIRTH_DATE:
        return _id_birth_date(value, size, today)
    if check == CN_PROVINCE:
        return int((size > 0 and value[0] == 57) or (size > 1 and _is_listed(tables, PROVINCES, value, 0, 2)))
    if check == CN_REGION:
        return int(_is_region(tables, value, 0, size))
    if check in (BIRTH_DATE, CALENDAR_DATE):
        return _written_date(value, size, today if check == BIRTH_DATE else 0)
    if check == LUHN:
        return int(_has_luhn(value, size))
    if check == CARD_ISSUER:
        return int(_has_issuer(tables, value, size))
    if check == MOBILE_SEGMENT:
        at = size - 11 if size > 11 else 0
        return int(size - at >= 3 and _is_listed(tables, SEGMENTS, value, at, 3))
    if check == AREA_CODE:
        return int((size >= 3 and _is_listed(tables, SHORT_AREAS, value, 0, 3))
                   or (size >= 4 and _is_listed(tables, LONG_AREAS, value, 0, 4)))
    return _of_letters(tables, today, check, value, size)


@inlined_loop
def _of_letters(tables: Bytes, today: int, check: int, value: Bytes, size: int) -> int:
    if check == USCC_CHECK:
        return int(size == 18 and _has_uscc_check(tables, value))
    if check == USCC_DEPARTMENT:
        return int(size == 18 and tables[DEPARTMENTS + 128 * value[0] + value[1]] != 0)
    if check == REGION_OF_USCC:
        return int((size >= 8 and _number(value, 2, 8) == 100_000)
                   or (size > 2 and _is_region(tables, value, 2, size if size < 8 else 8)))
    if check == USCC_ORGANISATION:
        return int(size >= 17 and _has_organisation_check(tables, value, 8))
    if check == ORGANISATION_CODE:
        return int(size == 9 and _has_organisation_check(tables, value, 0))
    if check == BUSINESS_REGISTRATION:
        return int(size == 15 and _has_mod_11_10(value, size))
    if check == VIN_CHECK:
        return int(size == 17 and _has_vin_check(tables, value))
    if check == VIN_LETTERS:
        return int(_has_vin_letters(value, size))
    return _embedded_id(value, size, today)


@inlined_loop
def _is_digit(byte: int) -> bool:
    return 48 <= byte <= 57


@inlined_loop
def _is_capital(byte: int) -> bool:
    return 65 <= byte <= 90


@inlined_loop
def _number(value: Bytes, start: int, end: int) -> int:
    """The number that `value[start:end]` spells, -1 when something else than a digit is in it."""
    number = 0
    for at in range(start, end):
        if not _is_digit(value[at]):
            return -1
        number = 10 * number + value[at] - 48
    return number


@inlined_loop
def _is_listed(tables: Bytes, table: int, value: Bytes, start: int, width: int) -> Any:
    number = _number(value, start, start + width)
    return number >= 0 and tables[table + number] != 0


@inlined_loop
def _is_region(tables: Bytes, value: Bytes, start: int, end: int) -> Any:
    """Four digits decide: the table of divisions has the prefecture of every county."""
    if end - start >= 4:
        return _is_listed(tables, REGIONS, value, start, 4)
    return end - start == 2 and _is_listed(tables, PROVINCES, value, start, 2)


@inlined_loop
def _is_uneven(value: Bytes, size: int) -> bool:
    second: Any = -1
    for at in range(1, size):
        if value[at] != value[0]:
            if second < 0:
                second = np.int64(value[at])
            elif value[at] != second:
                return True
    return False


@inlined_loop
def _contains_digit(value: Bytes, size: int, or_mark: bool) -> Any:
    found = False
    for at in range(size):
        found |= _is_digit(value[at]) or (or_mark and (value[at] == 45 or value[at] == 95))
    return found


@inlined_loop
def _has_mod_11_2(value: Bytes, start: int) -> Any:
    total: Any = 0
    strange: Any = 0
    for at in range(17):  # to the end without a question, so that it is done many at once
        digit: Any = np.int64(value[start + at]) - 48
        strange |= digit | 9 - digit
        total += _ID_WEIGHTS[at] * digit
    if strange < 0:
        return False
    wanted = (12 - total % 11) % 11
    return value[start + 17] == (_X if wanted == 10 else 48 + wanted)


@inlined_loop
def _has_mod_11_10(value: Bytes, size: int) -> Any:
    product = 10
    for at in range(size - 1):
        if not _is_digit(value[at]):
            return False
        total = (product + value[at] - 48) % 10
        product = (10 if total == 0 else total) * 2 % 11
    return _is_digit(value[size - 1]) and (product + value[size - 1] - 48) % 10 == 1


@inlined_loop
def _has_luhn(value: Bytes, size: int) -> bool:
    total = 0
    for place in range(size):
        byte = value[size - 1 - place]
        if not _is_digit(byte):
            return False
        number = (byte - 48) * (1 + place % 2)
        total += number - 9 if number > 9 else number
    return size > 0 and total % 10 == 0


@inlined_loop
def _has_issuer(tables: Bytes, value: Bytes, size: int) -> bool:
    """A row is the width of the prefix, its lowest and its highest value, and bit n for a length of 12 + n."""
    if size < 12 or size > 19:
        return False
    for row in range(tables[ISSUERS]):
        at = ISSUERS + 1 + ISSUER_ROW * row
        if tables[at + 9] >> (size - 12) & 1 == 0:
            continue
        low, high, prefix = 0, 0, 0
        for place in range(tables[at]):
            low = low << 8 | tables[at + 1 + place]
            high = high << 8 | tables[at + 5 + place]
            prefix = prefix << 8 | value[place]
        if low <= prefix <= high:
            return True
    return False


@inlined_loop
def _is_day(year: int, month: int, day: int, today: int) -> bool:
    """Whether it is a day of the calendar and, unless `today` is 0, one on which somebody alive can be born."""
    if not (1 <= year <= 9999 and 1 <= month <= 12 and day >= 1):
        return False
    leap = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if day > _MONTHS[month] + leap:
        return False
    return today == 0 or (10_000 * year + 100 * month + day <= today and today // 10_000 - year <= _OLDEST)


@inlined_loop
def _id_birth_date(value: Bytes, size: int, today: int) -> int:
    """Eight digits in a number of 18 characters, six of the last century in others."""
    start, width = 6, 4 if size == 18 else 2
    if size < start + width + 4 or _number(value, start, start + width + 4) < 0:
        return UNKNOWN
    year = _number(value, start, start + width) + (0 if size == 18 else 1900)
    month, day = start + width, start + width + 2
    return int(_is_day(year, _number(value, month, day), _number(value, day, day + 2), today))


@inlined_loop
def _written_date(value: Bytes, size: int, today: int) -> int:
    """Eight digits, or three numbers: year, month, day; or month, day, year, unless the first can be no month."""
    if size == 8 and _number(value, 0, 8) >= 0:
        return int(_is_day(_number(value, 0, 4), _number(value, 4, 6), _number(value, 6, 8), today))
    one, two, three, first, last, count, at = 0, 0, 0, 0, 0, 0, 0
    while at < size and count < 3:
        start = at
        while at < size and _is_digit(value[at]):
            at += 1
        if at - start > _LONGEST_NUMBER or at - start == 8:
            return UNKNOWN
        if at > start:
            one, two, three, count = two, three, _number(value, start, at), count + 1
            first, last = at - start if count == 1 else first, at - start
        at += 1
    if count < 3:
        return 0
    if first < 3 and last == 4:
        return int(_is_day(three, two, one, today) if one > 12 else _is_day(three, one, two, today))
    return int(_is_day(one, two, three, today))


@inlined_loop
def _has_uscc_check(tables: Bytes, value: Bytes) -> Any:
    total = 0
    for at in range(17):
        letter = np.int64(tables[USCC + value[at]])
        if letter == NO_VALUE:
            return False
        total += letter * _USCC_WEIGHTS[at]
    return tables[USCC + value[17]] == (31 - total % 31) % 31


@inlined_loop
def _has_organisation_check(tables: Bytes, value: Bytes, start: int) -> Any:
    total = 0
    for at in range(8):
        letter = np.int64(tables[ORGANISATION + value[start + at]])
        if letter == NO_VALUE:
            return False
        total += letter * _ORGANISATION_WEIGHTS[at]
    wanted = 11 - total % 11
    return value[start + 8] == (_X if wanted == 10 else 48 if wanted == 11 else 48 + wanted)


@inlined_loop
def _has_vin_check(tables: Bytes, value: Bytes) -> Any:
    total = 0
    for at in range(17):
        letter = np.int64(tables[VIN + value[at]])
        if letter == NO_VALUE:
            return False
        total += letter * _VIN_WEIGHTS[at]
    return value[8] == (_X if total % 11 == 10 else 48 + total % 11)


@inlined_loop
def _has_vin_letters(value: Bytes, size: int) -> bool:
    letters, digits, kinds = 0, 0, 0
    for at in range(size):
        byte = value[at]
        letters += _is_capital(byte) or 97 <= byte <= 122
        digits += _is_digit(byte)
        fresh = True
        for before in range(at):
            fresh &= value[before] != byte
        kinds += fresh
    return letters >= 3 and digits > 0 and kinds >= 6


@inlined_loop
def _embedded_id(value: Bytes, size: int, today: int) -> int:
    """The first run that looks like a number of 18 characters decides."""
    for start in range(size - 17):
        if 49 <= value[start] <= 57 and _number(value, start + 1, start + 17) >= 0:
            last = value[start + 17]
            if _is_digit(last) or last == _X:
                date = start + 6
                return int(_has_mod_11_2(value, start) and _is_day(
                    _number(value, date, date + 4), _number(value, date + 4, date + 6),
                    _number(value, date + 6, date + 8), today))
    return 0


@inlined_loop
def _ip(value: Bytes, size: int, of_somebody: bool) -> int:
    for at in range(size):
        if value[at] == 58:
            return _ipv6(value, size, of_somebody)
    return int(_is_ipv4(value, size, of_somebody))


@inlined_loop
def _is_ipv4(value: Bytes, size: int, of_somebody: bool) -> bool:
    """Four numbers below 256 without leading zeros; none of 0, 127, 224 to 239 in front, nor 255 everywhere."""
    at, first, lowest = 0, 0, 255
    for part in range(4):
        start = at
        while at < size and _is_digit(value[at]):
            at += 1
        if at == start or at - start > 3 or (value[start] == 48 and at - start > 1):
            return False
        number = _number(value, start, at)
        if number > 255 or (part < 3 and (at == size or value[at] != 46)):
            return False
        first = number if part == 0 else first
        lowest = number if number < lowest else lowest
        at += part < 3
    if at != size:
        return False
    return not of_somebody or not (first == 0 or first == 127 or 224 <= first <= 239 or lowest == 255)


@inlined_loop
def _hex(byte: int) -> int:
    if _is_digit(byte):
        return byte - 48
    lower = byte | 32
    return lower - 87 if 97 <= lower <= 102 else -1


@inlined_loop
def _ipv6(value: Bytes, size: int, of_somebody: bool) -> int:
    """RFC 4291 without scopes and without IPv4 inside, which the Python function knows."""
    at, groups, gap, total, first, last = 0, 0, -1, 0, 0, 0
    if size > 1 and value[0] == 58 and value[1] == 58:
        at, gap = 2, 0
    while at < size:
        start, number = at, 0
        while at < size and _hex(value[at]) >= 0:
            number, at = number << 4 | _hex(value[at]), at + 1
            if at - start > 4:
                return 0
        if at < size and value[at] != 58:
            return UNKNOWN
        if at == start:
            return 0
        groups, total, last = groups + 1, total + number, number
        first = number if groups == 1 else first
        if number == 0xFFFF:
            return UNKNOWN
        if at < size:
            at += 1
            if at == size:
                return 0
            if value[at] == 58:
                if gap >= 0:
                    return 0
                gap, at = groups, at + 1
    if groups > 7 if gap >= 0 else groups != 8:
        return 0
    local = total == 0 or (total == 1 and last == 1 and gap != groups) or (first >> 8 == 0xFF and gap != 0)
    return int(not of_somebody or not local)


@inlined_loop
def _is_unicast(value: Bytes, size: int) -> bool:
    digits, zeros, highest = 0, 0, 0
    for at in range(size):
        digit = _hex(value[at])
        digits += digit >= 0
        zeros += digit == 0
        highest += digit == 15
    return digits != 12 or (zeros != 12 and highest != 12)


@inlined_loop
def _is_nanp(value: Bytes, size: int) -> bool:
    start = size - 10
    if start < 0:
        return False
    area, exchange = value[start], value[start + 3]
    return (50 <= area <= 57 and 50 <= exchange <= 57
            and not (value[start + 1] == 48 and value[start + 2] == 48))


@inlined_loop
def _is_no_file_name(tables: Bytes, value: Bytes, size: int) -> bool:
    """A row of the table is the length of a suffix and its letters."""
    if size >= 4 and value[0] == 103 and value[1] == 105 and value[2] == 116 and value[3] == 64:
        return False
    start = size
    while start > 0 and value[start - 1] != 46:
        start -= 1
    for row in range(tables[SUFFIXES]):
        at = SUFFIXES + 1 + SUFFIX_ROW * row
        same = tables[at] == size - start
        place = 0
        while same and place < size - start:
            same = tables[at + 1 + place] == value[start + place]
            place += 1
        if same:
            return False
    return True
