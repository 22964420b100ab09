"""Synthetic people and values: seeded, valid in form, of no real person.

The parts of a record are drawn independently of each other and of any register. A number that is valid in form may
still have been issued to somebody: records made here are test data and must not be used to contact anyone.
"""

from __future__ import annotations

import datetime
import random
from dataclasses import dataclass

from guard.demo import numbers, vocabulary
from guard.demo.vocabulary import Division

FIRST_BIRTH, LAST_BIRTH = datetime.date(1940, 1, 1), datetime.date(2012, 12, 31)
_PLATE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class Person:
    """One synthetic person. The parts agree: sex and birth date stand in the ID, the place in ID, plate and phone."""

    name: str
    sex: str
    ethnic_group: str
    birth_date: datetime.date
    resident_id: str
    mobile: str
    landline: str
    email: str
    address: str
    postcode: str
    bank_card: str
    passport: str
    plate: str
    employer: str
    division: Division


class People:
    """A stream of synthetic people and values; the same seed gives the same stream.

    Every method draws the next value. `valid=False` gives a number of the right shape whose check digit fails.
    """

    def __init__(self, seed: int) -> None:
        # Reproducible test data, not keys.
        self._random = random.Random(seed)  # noqa: S311

    def person(self) -> Person:
        """The next person."""
        ethnic_group, sex, name = self._identity()
        division, birth = self.division(), self.birth_date()
        return Person(
            name=name, sex=sex, ethnic_group=ethnic_group, birth_date=birth,
            resident_id=self.resident_id(division=division, birth=birth, sex=sex), mobile=self.mobile(),
            landline=self.landline(division), email=self.email(), address=self.address(division),
            postcode=division.postcode, bank_card=self.bank_card(), passport=self.passport(),
            plate=self.plate(division=division), employer=self.organisation(division), division=division,
        )

    def _identity(self) -> tuple[str, str, str]:
        if self._random.random() < 0.03:
            return self._random.choice(vocabulary.MINORITY_NAMES)
        sex = self._random.choice("男女")
        return self._random.choice(vocabulary.ETHNIC_GROUPS), sex, self.name(sex)

    def name(self, sex: str = "") -> str:
        """A Han name; `sex` is 男, 女 or open."""
        surnames = vocabulary.COMPOUND_SURNAMES if self._random.random() < 0.03 else vocabulary.SURNAMES
        given = vocabulary.GIVEN_MALE if (sex or self._random.choice("男女")) == "男" else vocabulary.GIVEN_FEMALE
        length = 1 if self._random.random() < 0.2 else 2
        return self._random.choice(surnames) + "".join(self._random.sample(given, length))

    def minority_name(self) -> str:
        """A name with a middle dot."""
        return self._random.choice(vocabulary.MINORITY_NAMES)[2]

    def english_name(self) -> str:
        """Given name and surname."""
        return f"{self._random.choice(vocabulary.ENGLISH_GIVEN)} {self._random.choice(vocabulary.ENGLISH_SURNAMES)}"

    def birth_date(self) -> datetime.date:
        """A day from FIRST_BIRTH to LAST_BIRTH."""
        return FIRST_BIRTH + datetime.timedelta(days=self._random.randint(0, (LAST_BIRTH - FIRST_BIRTH).days))

    def division(self) -> Division:
        """A county."""
        return self._random.choice(vocabulary.DIVISIONS)

    def resident_id(self, *, division: Division | None = None, birth: datetime.date | None = None, sex: str = "",
                    valid: bool = True) -> str:
        """A resident identity number of 18 characters (GB 11643-1999)."""
        return self._resident((division or self.division()).code, birth or self.birth_date(), sex, valid)

    def residence_permit(self, *, valid: bool = True) -> str:
        """The number of a residence permit for people of Hong Kong, Macao or Taiwan: areas 81, 82, 83."""
        return self._resident(self._random.choice(("810000", "820000", "830000")), self.birth_date(), "", valid)

    def _resident(self, area: str, birth: datetime.date, sex: str, valid: bool) -> str:
        odd = (sex or self._random.choice("男女")) == "男"
        sequence = self._random.randrange(1 if odd else 2, 1000, 2)
        number = numbers.resident_number(f"{area}{birth:%Y%m%d}{sequence:03}")
        return number if valid else numbers.spoiled(number)

    def old_resident_id(self) -> str:
        """A resident identity number of 15 digits: two-digit year, no check digit (issued until 1999)."""
        birth = min(self.birth_date(), datetime.date(1998, 12, 31))
        return f"{self.division().code}{birth:%y%m%d}{self._random.randrange(1, 1000):03}"

    def mobile(self) -> str:
        """A mainland mobile number, 11 digits."""
        return self._random.choice(vocabulary.MOBILE_PREFIXES) + self._digits(8)

    def landline(self, division: Division | None = None) -> str:
        """Dialling code, hyphen, 7 or 8 digits."""
        dialling = (division or self.division()).dialling
        # Seven digits are left in places whose number plan was never widened; here that is Lhasa and Xining.
        length = 6 if dialling in ("0891", "0971") else 7
        return f"{dialling}-{self._random.randint(2, 8)}{self._digits(length)}"

    def email(self) -> str:
        """An address in a reserved domain, or at a provider with a long local part."""
        first, second = self._random.sample(vocabulary.MAIL_NAMES, 2)
        return f"{first}{second}{self._digits(4)}@{self._random.choice(vocabulary.MAIL_DOMAINS)}"

    def address(self, division: Division | None = None) -> str:
        """Province, city, county, road, number, then often community, building and room."""
        place = (division or self.division()).text
        street = f"{place}{self._random.choice(vocabulary.ROADS)}{self._random.randint(1, 999)}号"
        if self._random.random() < 0.3:
            return street
        building, unit = self._random.randint(1, 40), self._random.randint(1, 6)
        room = f"{self._random.randint(1, 33)}{self._random.randint(1, 6):02}室"
        return f"{street}{self._random.choice(vocabulary.COMMUNITIES)}{building}幢{unit}单元{room}"

    def bank_card(self, *, valid: bool = True) -> str:
        """A UnionPay card number of 16 or 19 digits."""
        prefix, length = self._random.choice(vocabulary.BANK_PREFIXES)
        number = numbers.luhn_number(prefix + self._digits(length - len(prefix) - 1))
        return number if valid else numbers.spoiled(number)

    def uscc(self, *, valid: bool = True) -> str:
        """A unified social credit code of an enterprise, both check characters right."""
        inner = numbers.organisation_code("MA" + "".join(self._random.choices(numbers.CREDIT_ALPHABET, k=6)))
        code = numbers.credit_code(f"9{self._random.choice('123')}{self.division().code}{inner}")
        return code if valid else numbers.spoiled(code)

    def organisation(self, division: Division | None = None) -> str:
        """The name of an enterprise."""
        city = (division or self.division()).city.removesuffix("市")
        parts = (vocabulary.ORGANISATION_STEMS, vocabulary.ORGANISATION_TRADES, vocabulary.ORGANISATION_FORMS)
        return city + "".join(self._random.choice(part) for part in parts)

    def plate(self, *, new_energy: bool = False, division: Division | None = None) -> str:
        """A vehicle plate; `new_energy` gives the six-place form of small cars (GA 36-2018)."""
        prefix = (division or self.division()).plate
        if new_energy:
            return prefix + self._random.choice("DF") + self._random.choice(_PLATE_LETTERS) + self._digits(4)
        letter = self._random.choice(_PLATE_LETTERS)
        digits = self._digits(4)
        place = self._random.randint(0, 4)
        return prefix + digits[:place] + letter + digits[place:]

    def vin(self, *, valid: bool = True) -> str:
        """A vehicle identification number of a maker in China (L…), check character at the ninth place."""
        described = "".join(self._random.choices(numbers.VIN_ALPHABET, k=12))
        number = numbers.vehicle_number(f"L{described}{self._digits(4)}")
        return number if valid else numbers.spoiled(number, numbers.VIN_CHECK_POSITION)

    def passport(self) -> str:
        """An ordinary passport: E and 8 digits, or E, a letter and 7 digits (since 2017)."""
        if self._random.random() < 0.5:
            return "E" + self._digits(8)
        return "E" + self._random.choice(_PLATE_LETTERS) + self._digits(7)

    def imei(self, *, valid: bool = True) -> str:
        """A device number of 15 digits (3GPP TS 23.003)."""
        number = numbers.luhn_number("86" + self._digits(12))
        return number if valid else numbers.spoiled(number)

    def mac(self) -> str:
        """A locally administered, unicast MAC address: no maker has it."""
        first = self._random.randrange(256) & 0xFC | 0x02
        return ":".join(f"{octet:02x}" for octet in (first, *self._random.randbytes(5)))

    def ipv4(self) -> str:
        """A private address (RFC 1918) or one of the documentation nets (RFC 5737)."""
        net = self._random.choice(("192.0.2", "198.51.100", "203.0.113", "10.12.8", "172.16.40", "192.168.31"))
        return f"{net}.{self._random.randint(1, 254)}"

    def ipv6(self) -> str:
        """An address of the documentation net 2001:db8::/32 (RFC 3849)."""
        return "2001:db8:" + ":".join(f"{self._random.randrange(1, 65536):x}" for _ in range(6))

    def coordinates(self) -> tuple[float, float]:
        """Longitude and latitude in degrees, somewhere in eastern China."""
        return round(self._random.uniform(105, 122), 6), round(self._random.uniform(23, 40), 6)

    def secret(self, prefix: str = "", length: int = 32) -> str:
        """A random token of ASCII letters and digits after `prefix`."""
        return prefix + "".join(self._random.choices(numbers.BASE62, k=length))

    def github_token(self) -> str:
        """A classic personal access token: 30 random characters and their checksum."""
        return numbers.github_token(self.secret(length=30))

    def _digits(self, count: int) -> str:
        return f"{self._random.randrange(10**count):0{count}}"
