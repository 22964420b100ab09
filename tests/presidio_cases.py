"""Cases for Presidio's pattern recognizers, written for these tests: an entity, three values that are of it, three that
look like it and are not, and a word of its context. Check digits are computed here, from the published rules."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import NamedTuple

BASE36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Case(NamedTuple):
    """`values` are of the entity, `others` are not; `word` is one of the words that speak for it."""

    entity: str
    word: str
    values: tuple[str, ...]
    others: tuple[str, ...]


def luhn(digits: str) -> bool:
    """ISO/IEC 7812-1."""
    doubled = (int(d) * (1 + (i % 2)) for i, d in enumerate(reversed(digits)))
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def weighted(weights: tuple[int, ...], modulus: int, rest: int = 0) -> Callable[[str], bool]:
    """Whether the weighted sum of the digits leaves a rest."""
    return lambda digits: sum(w * int(d) for w, d in zip(weights, digits, strict=True)) % modulus == rest


def hybrid_11_10(digits: str) -> bool:
    """ISO 7064, MOD 11,10."""
    product = 10
    for digit in digits[:-1]:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return (product + int(digits[-1])) % 10 == 1


def icao(text: str) -> bool:
    """ICAO Doc 9303, part 3: weights 7, 3, 1."""
    return sum(BASE36.index(c) * w for c, w in zip(text[:-1], (7, 3, 1) * 3, strict=False)) % 10 == int(text[-1])


def verhoeff(digits: str) -> bool:
    """Verhoeff's scheme over the dihedral group of order 10."""
    def product(a: int, b: int) -> int:
        if a < 5:
            return (a + b) % 5 + (5 if b >= 5 else 0)
        return (a - b) % 5 + (0 if b >= 5 else 5)

    powers = [list(range(10))]
    step = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]
    for _ in range(7):
        powers.append([step[i] for i in powers[-1]])
    check = 0
    for index, digit in enumerate(reversed(digits)):
        check = product(check, powers[index % 8][int(digit)])
    return check == 0


def made(form: str, check: Callable[[str], bool], *, good: bool = True, compact: str = " -.") -> str:
    """The first value of a form, whose `?` are check digits, that passes the check, or fails it."""
    for digits in itertools.product("0123456789", repeat=form.count("?")):
        value = form
        for digit in digits:
            value = value.replace("?", digit, 1)
        if check("".join(c for c in value if c not in compact)) is good:
            return value
    raise AssertionError(form)


def checked(entity: str, word: str, forms: tuple[str, ...], check: Callable[[str], bool]) -> Case:
    """Of each form the first value that passes and the first that does not."""
    return Case(entity, word, tuple(made(form, check) for form in forms),
                tuple(made(form, check, good=False) for form in forms))


def _abn(digits: str) -> bool:
    return weighted((10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19), 89)(str(int(digits[0]) - 1) + digits[1:])


def _medicare(digits: str) -> bool:
    return sum(w * int(d) for w, d in zip((1, 3, 7, 9, 1, 3, 7, 9), digits, strict=False)) % 10 == int(digits[8])


def _rvnr(value: str) -> bool:
    digits = value[:8] + f"{BASE36.index(value[8]) - 9:02}" + value[9:11]
    products = (w * int(d) for w, d in zip((2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1), digits, strict=True))
    return sum(p // 10 + p % 10 for p in products) % 10 == int(value[11])


def _kvnr(value: str) -> bool:
    digits = f"{BASE36.index(value[0]) - 9:02}{value[1:9]}"
    products = (w * int(d) for w, d in zip((1, 2) * 5, digits, strict=True))
    return sum(p // 10 + p % 10 for p in products) % 10 == int(value[9])


def _lanr(digits: str) -> bool:
    return (sum(w * int(d) for w, d in zip((4, 9) * 3, digits, strict=False)) + int(digits[6])) % 10 == 0


def _tckn(digits: str) -> bool:
    values = [int(d) for d in digits]
    return ((7 * sum(values[0:9:2]) - sum(values[1:8:2])) % 10 == values[9]) and sum(values[:10]) % 10 == values[10]


def _thai(digits: str) -> bool:
    return (11 - sum(w * int(d) for w, d in zip(range(13, 1, -1), digits, strict=False)) % 11) % 10 == int(digits[12])


def _nhs(digits: str) -> bool:
    return weighted((10, 9, 8, 7, 6, 5, 4, 3, 2, 1), 11)(digits)


def _brn(digits: str) -> bool:
    products = (w * int(d) for w, d in zip((1, 3, 7, 1, 3, 7, 1, 3, 5), digits, strict=False))
    total = sum(products) + int(digits[8]) * 5 // 10
    return (total + int(digits[9])) % 10 == 0


def _dea(value: str) -> bool:
    d = [int(c) for c in value[2:]]
    return (d[0] + d[2] + d[4] + 2 * (d[1] + d[3] + d[5])) % 10 == d[6]


def _tin(digits: str) -> bool:
    return sum(w * int(d) for w, d in zip(range(9, 1, -1), digits, strict=False)) % 11 == int(digits[8])


def _iban(value: str) -> bool:
    return int("".join(str(BASE36.index(c)) for c in value[4:] + value[:4])) % 97 == 1


def letter_of(digits: str, letters: str, modulus: int) -> str:
    """The digits of a value with the letter that checks them behind."""
    return digits + letters[int("".join(c for c in digits if c.isdigit())) % modulus]


_NIF = "TRWAGMYFPDXBNJZSQVHLCKE"
_HETU = "0123456789ABCDEFHJKLMNPRSTUVWXY"


def _uen(digits: str) -> str:
    total = sum(w * int(d) for w, d in zip((10, 4, 9, 3, 8, 2, 7, 1), digits, strict=True))
    return digits + "XMKECAWLJDB"[total % 11]


CASES: tuple[Case, ...] = (
    checked("ABA_ROUTING_NUMBER", "routing", ("12100035?", "02100002?", "3222-7162-?"), weighted((3, 7, 1) * 3, 10)),
    checked("AU_ABN", "abn", ("51 824 753 5??", "53 004 085 6??", "33834728???"), _abn),
    checked("AU_ACN", "acn", ("000 000 01?", "005 499 98?", "01000000?"),
            lambda d: (10 - sum(w * int(c) for w, c in zip(range(8, 0, -1), d, strict=False)) % 10) % 10 == int(d[8])),
    checked("AU_MEDICARE", "medicare", ("2123 4567? 1", "2950 1234? 1", "33456789?2"),
            lambda d: len(d) == 10 and _medicare(d)),
    checked("AU_TFN", "tfn", ("876 543 21?", "12345678?", "65432189?"), weighted((1, 4, 3, 7, 5, 8, 6, 9, 10), 11)),
    Case("CA_POSTAL_CODE", "postcode", ("K1A 0B1", "V6B 4Y8", "h3z2y7"), ("D1A 0B1", "K1A 0O1", "K1A  0B1")),
    checked("CA_SIN", "sin", ("130 692 54?", "193-456-78?", "73045678?"), luhn),
    checked("CREDIT_CARD", "card", ("411111111111111?", "5500-0000-0000-000?", "3782 822463 1000?"), luhn),
    Case("CRYPTO", "wallet", ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy",
                              "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
         ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLz",
         "1BoatSLRHtKNngkdXEeobR76b53LETtpy")),
    Case("DATE_TIME", "date", ("2024-05-17", "17.05.2024", "17-MAY-2024"), ("2024-13-17", "45.05.2024", "17-MAI-2024")),
    Case("DE_BSNR", "bsnr", ("021234568", "721111100", "381234567"), ("000000000", "02123456", "0212345678")),
    Case("DE_FUEHRERSCHEIN", "führerschein", ("AB123456781", "BO98765432X", "KX00112233A"),
         ("A123456781", "AB1234567", "AB12345678XX")),
    Case("DE_HANDELSREGISTER", "handelsregister", ("HRB 12345", "HRA 987", "HRB123456"),
         ("HRC 12345", "HRB", "HRB1234567")),
    checked("DE_HEALTH_INSURANCE", "krankenkasse", ("A12345678?", "M98765432?", "Z00112233?"), _kvnr),
    checked("DE_ID_CARD", "personalausweis", ("L01X00T4?", "CFGHJK12?", "N9K8L7M6?"), icao),
    Case("DE_KFZ", "kennzeichen", ("B-AB 1234", "M XY 12", "HH-K-123E"), ("B-ABC 1234", "BERL-AB 12", "B-AB 12345")),
    checked("DE_LANR", "lanr", ("123456?01", "987654?99", "111222?34"), _lanr),
    checked("DE_PASSPORT", "reisepass", ("C01X00T4?", "FGHJK12L?", "G7H8J9K0?"), icao),
    Case("DE_PLZ", "postleitzahl", ("10115", "80331", "04109"), ("00115", "1011", "99999")),
    checked("DE_SOCIAL_SECURITY", "rentenversicherung", ("15070649C10?", "65170839J00?", "12010190M01?"), _rvnr),
    checked("DE_TAX_ID", "steuer-id", ("8609574271?", "4703689281?", "6592997048?"), hybrid_11_10),
    Case("DE_TAX_NUMBER", "steuernummer", ("0281508150000", "181/815/08155", "93/815/08152"),
         ("1781508150000", "1/815/08155", "181/81/08155")),
    Case("DE_VAT_ID", "ust-idnr",
         (made("DE13669597?", lambda value: hybrid_11_10(value[2:])), "DE 123 456 788", "DE811907980"),
         ("DE12345678", "DX123456788", "DE1234567890")),
    Case("EMAIL_ADDRESS", "email", ("zhang.san@example.com", "a-b_c@sub.example.org", "info@example.co.uk"),
         ("zhang.san@example", "@example.com", "user@example.notatld")),
    Case("ES_NIE", "nie", tuple("X" + letter_of("0" + d, _NIF, 23)[1:] for d in ("1234567", "7654321", "0011223")),
         ("X1234567A", "X7654321A", "X0011223B")),
    Case("ES_NIF", "nif", tuple(letter_of(d, _NIF, 23) for d in ("12345678", "87654321", "00112233")),
         ("12345678A", "87654321A", "00112233A")),
    Case("ES_PASSPORT", "pasaporte", ("AAA123456", "XDC654321", "PAB001122"), ("AA123456", "AAA12345", "AAA1234567")),
    Case("FI_PERSONAL_IDENTITY_CODE", "hetu",
         tuple(f"{date}-{number}{_HETU[int(date + number) % 31]}"
               for date, number in (("131052", "308"), ("010190", "123"), ("241288", "901"))),
         ("131052-308A", "010190-123A", "241288-901Z")),
    Case("IBAN_CODE", "iban", ("DE89370400440532013000", "GB82 WEST 1234 5698 7654 32", "FR1420041010050500013M02606"),
         ("DE88370400440532013000", "GB83 WEST 1234 5698 7654 32", "FR1520041010050500013M02606")),
    checked("IN_AADHAAR", "aadhaar", ("23412341234?", "4987-6543-210?", "36578901234?"), verhoeff),
    Case("IN_GSTIN", "gstin", ("27AAPFU0939F1ZV", "29AAGCB7383J1Z4", "07AAACI1195H1ZK"),
         ("27AAPFU0939F1YV", "27AAPFU0939F1Z", "2712345678901ZV")),
    Case("IN_PAN", "pan", ("AAAPL1234C", "BNZPM2501F", "ABCCD9876Z"), ("AAAPL123C", "AAA1L1234", "1AAPL1234C9")),
    Case("IN_PASSPORT", "passport", ("A2096457", "K1234561", "Z98 76543"),
         ("A0096457", "A209645", "AB2096457")),
    Case("IN_VEHICLE_REGISTRATION", "vehicle", ("KA53ME3456", "MH12AB1234", "DL3CAY9324"),
         ("KA530000", "K53ME34567", "XX")),
    Case("IN_VOTER", "voter", ("ABC1234567", "KSD1287349", "XYZ0011223"), ("AB1234567", "ABC123456", "ABCD1234567")),
    Case("IP_ADDRESS", "ip", ("192.168.1.10", "2001:db8::1", "8.8.8.8"), ("256.1.1", "1.2.3", "1:2:3")),
    Case("IT_DRIVER_LICENSE", "patente", ("AB1234567C", "U1B234567Z", "RM7654321Z"),
         ("A1234567C", "AB123456C", "AB12345678")),
    Case("IT_FISCAL_CODE", "codice fiscale", ("RSSMRA85T10A562S", "VRDGPP13R10B293P", "BNCLRA80A41H501P"),
         ("RSSMRA85Z10A562S", "VRDGPP13R99B293P", "RSSMRA85T10A56")),
    Case("IT_IDENTITY_CARD", "carta", ("AB1234567", "CA12345BC", "1234567AA"), ("A1234567", "CA1234BC", "123456AA")),
    Case("IT_PASSPORT", "passaporto", ("YA1234567", "AA7654321", "YB0011223"), ("Y1234567", "YA123456", "YA12345678")),
    checked("IT_VAT_CODE", "piva", ("0123456789?", "0743150014?", "1234567890?"), luhn),
    checked("KR_BRN", "brn", ("124-81-0099?", "220-81-6251?", "104815219?"), _brn),
    Case("KR_DRIVER_LICENSE", "운전면허", ("11-12-345678-90", "28-09-030580-41", "139012345678"),
         ("99-12-345678-90", "11-12-34567-90", "11-12-3456789-0")),
    Case("KR_FRN", "FRN", ("820325-5012347", "900101-6123456", "011231-7000001"),
         ("821325-5012347", "820325-1012347", "820332-5012347")),
    Case("KR_PASSPORT", "여권", ("M123A4567", "S987B6543", "M12345678"), ("X123A4567", "M12A4567", "M1234567")),
    Case("KR_RRN", "RRN", ("820325-1012347", "900101-2123456", "011231-3000001"),
         ("821325-1012347", "820325-9012347", "820332-1012347")),
    Case("MAC_ADDRESS", "mac", ("00:1A:2B:3C:4D:5E", "AC-DE-48-00-11-22", "001a.2b3c.4d5e"),
         ("00:1A:2B:3C:4D", "00:1A:2B:3C:4D:5G", "00:00:00:00:00:00")),
    checked("MEDICAL_LICENSE", "certificate", ("AB123456?", "FG765432?", "BX001122?"), _dea),
    checked("NG_NIN", "nin", ("1234567890?", "2468013579?", "9876543210?"), verhoeff),
    Case("NG_VEHICLE_REGISTRATION", "plate", ("ABC-123DE", "KJA 456XY", "LND789AA"),
         ("AB-123DE", "ABC-12DE", "ABC-1234DE")),
    checked("UK_NHS", "nhs", ("943 476 591?", "401-023-213?", "450557710?"), _nhs),
    Case("PH_PASSPORT", "passport", ("P1234567A", "EB1234567", "S7654321B"), ("P123456A", "E1234567", "EBC1234567")),
    checked("PH_TIN", "tin", ("123-456-78?", "234-567-89?", "12345678?000"), _tin),
    Case("PH_UMID", "umid", ("1234-5678901-2", "0011-2233445-6", "123456789012"),
         ("1234-567890-2", "123-5678901-2", "12345678901")),
    checked("PL_PESEL", "pesel", ("4405140135?", "0227080362?", "8506151234?"),
            weighted((1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1), 10)),
    checked("SE_ORGANISATIONSNUMMER", "organisationsnummer", ("556703-748?", "212000-014?", "556036079?"), luhn),
    checked("SE_PERSONNUMMER", "personnummer", ("811228-987?", "640823-323?", "670919953?"), luhn),
    Case("SG_NRIC_FIN", "nric", ("S1234567D", "T0011223A", "F7654321K"), ("S123456D", "12345678D", "S12345678D")),
    Case("SG_UEN", "uen", (_uen("00192200"), _uen("53012345"), _uen("12345678")),
         ("00192200Z", "53012345Z", "12345678Z")),
    checked("TH_TNIN", "เลขประจำตัวประชาชน", ("110170023070?", "310170054321?", "567000012345?"), _thai),
    Case("TR_LICENSE_PLATE", "plaka", ("34 ABC 123", "06-AB-1234", "35 A 1234"),
         ("82 ABC 123", "34 ABQ 123", "34 ABCD 123")),
    checked("TR_NATIONAL_ID", "tckn", ("10000000???", "12345678???", "98765432???"), _tckn),
    Case("UK_DRIVING_LICENCE", "dvla", ("MORGA657054SM9IJ", "SMITH711215JA9AB", "JONES801011A99CD"),
         ("MORGA657054SM9I", "99999657054SM9IJ", "MORGA697054SM9IJ")),
    Case("UK_NINO", "nino", ("AA123456B", "JG 10 37 59 A", "ce654321d"), ("BG123456B", "AA12345B", "AA123456E")),
    Case("UK_PASSPORT", "passport", ("AB1234567", "XY7654321", "CD0011223"), ("A1234567", "AB123456", "AB12345678")),
    Case("UK_POSTCODE", "postcode", ("SW1A 1AA", "M1 1AE", "EC1A1BB"), ("QW1A 1AA", "SW1A 1A", "SW1A 1CI")),
    Case("UK_VEHICLE_REGISTRATION", "registration", ("BD51 SMR", "AB12CDE", "LK70 XYZ"),
         ("BD50 1SM", "BD40 SMR", "BDE51 SMR")),
    Case("URL", "url", ("https://www.example.com/a?b=1", "example.org/path", "http://sub.example.net"),
         ("https://localhost/a", "example.notatld", "www.example")),
    Case("US_BANK_NUMBER", "bank", ("945456787654", "12345678", "00112233445566"),
         ("1234567", "945456787654876543", "94545678A7654")),
    Case("US_CLAIM_NUMBER", "claim", ("Claim number: 12345678", "claim # CLM-998877", "medical claim 76543210"),
         ("number 12345678", "claim 12345", "claimant 1234567890123456")),
    Case("US_HEALTH_INSURANCE_MEMBER_ID", "member", ("ABC123456789", "W-23456789", "XYZ987654321"),
         ("12345678", "ABCDEFGH", "A1")),
    Case("US_ITIN", "itin", ("911-70-1234", "912-94-1234", "900701234"), ("911-49-1234", "811-70-1234", "911-70-123")),
    Case("US_DRIVER_LICENSE", "driver", ("H12234567", "A1234567", "D123456789012"), ("HELLO", "H12", "12-34")),
    Case("US_MBI", "mbi", ("1EG4-TE5-MK73", "1EG4TE5MK73", "9AA0AA0AA00"),
         ("1EG4-TE5-MK7", "0SG4-TE5-MK73", "1EG4-TE5-MKA3")),
    checked("US_NPI", "npi", ("123456789?", "1245-319-59?", "149773211?"), lambda d: luhn("80840" + d)),
    Case("US_PASSPORT", "passport", ("912803456", "A12345678", "031234567"), ("12345678", "A1234567", "AB12345678")),
    Case("US_PRESCRIPTION_NUMBER", "prescription", ("Rx #1234567", "prescription no. 76543210", "rx: RX-112233"),
         ("number 12345", "Rxa 1234567890123", "prescription 12345")),
    Case("US_PRIOR_AUTHORIZATION_NUMBER", "authorization",
         ("prior authorization 12345678", "preauthorization # PA-776655",
                                                            "authorization number: 998877"),
         ("number 12345", "authorization 12345", "authorized by 1234567890123")),
    Case("US_PROVIDER_TAX_ID", "billing", ("provider tax id: 12-3456789", "billing provider EIN 04-1234567",
                                            "provider TIN 94-7654321"),
         ("12-345678", "provider tax id 00-3456789", "provider 123-456789")),
    Case("US_REFERRAL_NUMBER", "referral",
         ("referral number 12345678", "referral: REF-998877", "infusion referral #INF-123456"),
         ("number 12345", "referral 12345", "referred 1234567890123")),
    Case("US_SSN", "ssn", ("536-90-4399", "219-09-9998", "401-77-1234"), ("000-12-3456", "536-00-4399", "666-12-3456")),
    Case("UUID", "uuid", ("123e4567-e89b-12d3-a456-426614174000", "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
                          "f47ac10b-58cc-4372-a567-0e02b2c3d479"),
         ("123e4567-e89b-12d3-a456-42661417400", "123e4567e89b12d3a456426614174000",
         "123g4567-e89b-12d3-a456-426614174000")),
    Case("ZA_COMPANY_REGISTRATION", "cipc", ("2015/123456/07", "1998/000001/23", "CK1994/012345"),
         ("1715/123456/07", "2015/12345/07", "2095/123456/07")),
    Case("ZA_DRIVER_LICENSE", "licence", ("1234567890AB", "123456ABCD", "98765432A1"),
         ("1234567890", "12345AB", "ABCDEF12")),
    checked("ZA_ID_NUMBER", "id number", ("800101500908?", "920220473508?", "750515012318?"), luhn),
    Case("ZA_INCOME_TAX_NUMBER", "sars", ("0123456789", "1234567890", "9876543210"),
         ("5123456789", "123456789", "12345678901")),
    Case("ZA_LICENSE_PLATE", "natis", ("BC12DEGP", "CA 123 NW", "FD 45 GH GP"), ("BC12DEXX", "B1GP", "1234567")),
    Case("ZA_PASSPORT", "passport", ("A12345678", "D87654321", "M00112233"), ("B12345678", "A1234567", "A123456789")),
    Case("ZA_TRAFFIC_REGISTER_NUMBER", "trn", ("1234567890123", "9912319999999", "0011223344556"),
         (made("800101500908?", luhn), "123456789012", "12345678901234")),
    Case("ZA_VAT_NUMBER", "vat", ("4123456789", "4987654321", "4001122334"),
         ("5123456789", "412345678", "41234567890")),
)
