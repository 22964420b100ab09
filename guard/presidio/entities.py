"""Entities of Presidio and data classes of ours: what each is called on the other side."""

from __future__ import annotations

from collections.abc import Mapping

DATA_CLASSES: Mapping[str, str] = {
    # without a country
    "CREDIT_CARD": "person.bank_card", "CRYPTO": "person.wallet", "DATE_TIME": "general.date",
    "EMAIL_ADDRESS": "person.email", "IBAN_CODE": "person.bank_account", "IP_ADDRESS": "device.ip",
    "MAC_ADDRESS": "device.mac", "URL": "general.url", "UUID": "general.uuid",
    # numbers that a state gives to a person
    "AU_TFN": "person.id.au", "CA_SIN": "person.id.ca", "DE_ID_CARD": "person.id.de",
    "DE_SOCIAL_SECURITY": "person.id.de", "DE_TAX_ID": "person.id.de", "DE_TAX_NUMBER": "person.id.de",
    "ES_NIE": "person.id.es", "ES_NIF": "person.id.es", "FI_PERSONAL_IDENTITY_CODE": "person.id.fi",
    "IN_AADHAAR": "person.id.in", "IN_PAN": "person.id.in", "IN_VOTER": "person.id.in",
    "IT_FISCAL_CODE": "person.id.it", "IT_IDENTITY_CARD": "person.id.it", "KR_FRN": "person.id.kr",
    "KR_RRN": "person.id.kr", "NG_NIN": "person.id.ng", "PH_TIN": "person.id.ph", "PH_UMID": "person.id.ph",
    "PL_PESEL": "person.id.pl", "SE_PERSONNUMMER": "person.id.se", "SG_NRIC_FIN": "person.id.sg",
    "TH_TNIN": "person.id.th", "TR_NATIONAL_ID": "person.id.tr", "UK_NINO": "person.id.gb",
    "US_ITIN": "person.id.us_itin", "US_SSN": "person.id.us_ssn", "ZA_ID_NUMBER": "person.id.za",
    "ZA_INCOME_TAX_NUMBER": "person.id.za", "ZA_TRAFFIC_REGISTER_NUMBER": "person.id.za",
    # documents
    **dict.fromkeys(("DE_PASSPORT", "ES_PASSPORT", "IN_PASSPORT", "IT_PASSPORT", "KR_PASSPORT", "PH_PASSPORT",
                     "UK_PASSPORT", "US_PASSPORT", "ZA_PASSPORT"), "person.passport"),
    **dict.fromkeys(("DE_FUEHRERSCHEIN", "IT_DRIVER_LICENSE", "KR_DRIVER_LICENSE", "UK_DRIVING_LICENCE",
                     "US_DRIVER_LICENSE", "ZA_DRIVER_LICENSE"), "person.id.driving_licence"),
    # health care
    **dict.fromkeys(("AU_MEDICARE", "DE_HEALTH_INSURANCE", "UK_NHS", "US_HEALTH_INSURANCE_MEMBER_ID", "US_MBI"),
                    "person.id.health_insurance"),
    **dict.fromkeys(("US_CLAIM_NUMBER", "US_PRESCRIPTION_NUMBER", "US_PRIOR_AUTHORIZATION_NUMBER",
                     "US_REFERRAL_NUMBER"), "person.id.health_record"),
    **dict.fromkeys(("DE_LANR", "MEDICAL_LICENSE", "US_NPI"), "person.id.professional"),
    # money, places, vehicles
    "US_BANK_NUMBER": "person.bank_account",
    **dict.fromkeys(("CA_POSTAL_CODE", "DE_PLZ", "UK_POSTCODE"), "person.postcode"),
    **dict.fromkeys(("DE_KFZ", "IN_VEHICLE_REGISTRATION", "NG_VEHICLE_REGISTRATION", "TR_LICENSE_PLATE",
                     "UK_VEHICLE_REGISTRATION", "ZA_LICENSE_PLATE"), "vehicle.plate"),
    # organisations
    **dict.fromkeys(("ABA_ROUTING_NUMBER", "DE_BSNR"), "org.code"),
    **dict.fromkeys(("AU_ABN", "AU_ACN", "DE_HANDELSREGISTER", "KR_BRN", "SE_ORGANISATIONSNUMMER", "SG_UEN",
                     "ZA_COMPANY_REGISTRATION"), "org.registration"),
    **dict.fromkeys(("DE_VAT_ID", "IN_GSTIN", "IT_VAT_CODE", "US_PROVIDER_TAX_ID", "ZA_VAT_NUMBER"), "org.taxpayer"),
}
"""The data class of every entity that presidio-analyzer 2.2.366 recognises by patterns."""
UNKNOWN = "person.id.other"
"""The class of an entity that is not in the table, such as one of a later version: what it is, a policy must ask."""
COMPANIONS = frozenset(("IBAN_CODE", "CRYPTO"))
"""Entities without a country that come with every foreign country: accounts, of which we have no detector."""
PROOFS = frozenset(("AU_ABN", "CRYPTO", "IBAN_CODE", "TR_NATIONAL_ID"))
"""Entities whose check lets pass less than one in fifty values of their form: two check digits or more."""

_NAMES: Mapping[str, str] = {
    "person.name": "PERSON", "person.address": "LOCATION", "org.name": "ORGANIZATION", "person.email": "EMAIL_ADDRESS",
    "person.bank_card": "CREDIT_CARD", "person.phone.mobile": "PHONE_NUMBER", "person.phone.landline": "PHONE_NUMBER",
    "person.phone.us": "PHONE_NUMBER", "person.id.us_ssn": "US_SSN", "device.ip": "IP_ADDRESS",
    "device.mac": "MAC_ADDRESS", "person.age": "AGE",
}


def entity_of(data_class: str) -> str:
    """What Presidio calls a data class; where it has no name for it, the id in its spelling (`PERSON_ID_CN`)."""
    return _NAMES.get(data_class) or data_class.replace(".", "_").upper()
