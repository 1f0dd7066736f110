"""Where the people of a believable bulk live, and how telephones are numbered there."""

from __future__ import annotations

from typing import NamedTuple


class Country(NamedTuple):
    """`prefix` starts a mobile number there, `digits` follow it; `trunk` is what one dials first at home."""

    zone: str
    dial: str
    prefix: str
    digits: int
    trunk: str
    cities: tuple[str, ...]


def _country(zone: str, dial: str, prefix: str, digits: int, trunk: str, cities: str) -> Country:
    return Country(zone, dial, prefix, digits, trunk, tuple(city.replace("_", " ") for city in cities.split()))


COUNTRIES: dict[str, Country] = {
    "AE": _country("Asia/Dubai", "971", "50", 7, "0", "Dubai Abu_Dhabi Sharjah"),
    "AO": _country("Africa/Luanda", "244", "92", 7, "", "Luanda Huambo"),
    "AR": _country("America/Argentina/Buenos_Aires", "54", "911", 8, "0", "Buenos_Aires Córdoba Rosario Mendoza"),
    "AT": _country("Europe/Vienna", "43", "664", 7, "0", "Wien Graz Linz Salzburg Innsbruck"),
    "AU": _country("Australia/Sydney", "61", "4", 8, "0", "Sydney Melbourne Brisbane Perth Adelaide"),
    "BE": _country("Europe/Brussels", "32", "47", 7, "0", "Bruxelles Antwerpen Gent Liège Brugge"),
    "BR": _country("America/Sao_Paulo", "55", "119", 8, "0", "São_Paulo Rio_de_Janeiro Salvador Curitiba Brasília"),
    "CA": _country("America/Toronto", "1", "416", 7, "", "Toronto Montréal Vancouver Calgary Ottawa Québec"),
    "CH": _country("Europe/Zurich", "41", "79", 7, "0", "Zürich Genève Basel Lausanne Bern"),
    "CL": _country("America/Santiago", "56", "9", 8, "", "Santiago Valparaíso Concepción"),
    "CN": _country("Asia/Shanghai", "86", "138", 8, "", "Shanghai Beijing Shenzhen Chengdu"),
    "CO": _country("America/Bogota", "57", "31", 8, "", "Bogotá Medellín Cali"),
    "CY": _country("Asia/Nicosia", "357", "99", 6, "", "Nicosia Limassol"),
    "CZ": _country("Europe/Prague", "420", "60", 7, "", "Praha Brno Ostrava Plzeň"),
    "DE": _country("Europe/Berlin", "49", "151", 8, "0", "Berlin Hamburg München Köln Frankfurt Leipzig Düsseldorf"),
    "DK": _country("Europe/Copenhagen", "45", "2", 7, "", "København Aarhus Odense Aalborg"),
    "EG": _country("Africa/Cairo", "20", "10", 8, "0", "Cairo Alexandria Giza"),
    "ES": _country("Europe/Madrid", "34", "6", 8, "", "Madrid Barcelona Valencia Sevilla Málaga Bilbao"),
    "FI": _country("Europe/Helsinki", "358", "40", 7, "0", "Helsinki Tampere Turku"),
    "FR": _country("Europe/Paris", "33", "6", 8, "0", "Paris Lyon Marseille Toulouse Nantes Bordeaux Lille"),
    "GB": _country("Europe/London", "44", "7", 9, "0", "London Manchester Leeds Glasgow Bristol Cardiff Belfast York"),
    "GH": _country("Africa/Accra", "233", "24", 7, "0", "Accra Kumasi"),
    "GR": _country("Europe/Athens", "30", "69", 8, "", "Athens Thessaloniki Patras"),
    "IE": _country("Europe/Dublin", "353", "85", 7, "0", "Dublin Cork Galway Limerick"),
    "IN": _country("Asia/Kolkata", "91", "98", 8, "0", "Mumbai Delhi Bengaluru Chennai Hyderabad Kolkata Pune"),
    "IS": _country("Atlantic/Reykjavik", "354", "6", 6, "", "Reykjavík Akureyri"),
    "IT": _country("Europe/Rome", "39", "34", 8, "", "Roma Milano Napoli Torino Bologna Firenze"),
    "JO": _country("Asia/Amman", "962", "79", 7, "0", "Amman Irbid"),
    "JP": _country("Asia/Tokyo", "81", "90", 8, "0", "Tokyo Osaka Nagoya Sapporo Fukuoka Kyoto"),
    "KE": _country("Africa/Nairobi", "254", "7", 8, "0", "Nairobi Mombasa Kisumu"),
    "KZ": _country("Asia/Almaty", "7", "701", 7, "8", "Almaty Astana"),
    "MA": _country("Africa/Casablanca", "212", "6", 8, "0", "Casablanca Rabat Fès"),
    "MX": _country("America/Mexico_City", "52", "55", 8, "", "Ciudad_de_México Guadalajara Monterrey Puebla Tijuana"),
    "MY": _country("Asia/Kuala_Lumpur", "60", "12", 7, "0", "Kuala_Lumpur Penang"),
    "NG": _country("Africa/Lagos", "234", "80", 8, "0", "Lagos Abuja Ibadan Kano"),
    "NL": _country("Europe/Amsterdam", "31", "6", 8, "0", "Amsterdam Rotterdam Utrecht Eindhoven Groningen"),
    "NO": _country("Europe/Oslo", "47", "4", 7, "", "Oslo Bergen Trondheim Stavanger"),
    "NZ": _country("Pacific/Auckland", "64", "21", 7, "0", "Auckland Wellington Christchurch"),
    "PE": _country("America/Lima", "51", "9", 8, "", "Lima Arequipa Cusco"),
    "PL": _country("Europe/Warsaw", "48", "50", 7, "", "Warszawa Kraków Łódź Wrocław Poznań Gdańsk"),
    "PT": _country("Europe/Lisbon", "351", "91", 7, "", "Lisboa Porto Braga Coimbra"),
    "RU": _country("Europe/Moscow", "7", "916", 7, "8", "Moscow Kazan Novosibirsk"),
    "SA": _country("Asia/Riyadh", "966", "50", 7, "0", "Riyadh Jeddah Dammam"),
    "SE": _country("Europe/Stockholm", "46", "70", 7, "0", "Stockholm Göteborg Malmö Uppsala"),
    "SG": _country("Asia/Singapore", "65", "9", 7, "", "Singapore"),
    "TR": _country("Europe/Istanbul", "90", "532", 7, "0", "İstanbul Ankara İzmir Bursa Antalya"),
    "TW": _country("Asia/Taipei", "886", "9", 8, "0", "Taipei Kaohsiung"),
    "UA": _country("Europe/Kyiv", "380", "67", 7, "0", "Kyiv Lviv Odesa Kharkiv"),
    "US": _country("America/New_York", "1", "212", 7, "", "New_York Chicago Boston Houston Seattle Denver"),
    "ZA": _country("Africa/Johannesburg", "27", "82", 7, "0", "Johannesburg Cape_Town Durban Pretoria"),
}  # fmt: skip


def phone(code: str, number: int) -> str:
    """The mobile number that stands for `number` in a country, in full: another number, another phone, up to 10^digits.

    A country with fewer digits than people has more area codes: what does not fit counts on in the prefix.
    """
    country = COUNTRIES[code]
    room = 10**country.digits
    return (
        f"+{country.dial}{int(country.prefix) + number // room}{_scattered(number, country.digits):0{country.digits}}"
    )


def _scattered(number: int, digits: int) -> int:
    """Each number below 10^digits to another one: the factor shares no divisor with 10."""
    return (number * 7_654_321 + 1_234_567) % 10**digits


def as_written(full: str, code: str, way: int) -> str:
    """The number as people write it: one of five ways."""
    country = COUNTRIES[code]
    rest = full[1 + len(country.dial) :]
    head, tail = rest[:-6], f"{rest[-6:-3]} {rest[-3:]}"
    return (
        full,
        f"+{country.dial} {head} {tail}",
        f"00{country.dial}{rest}",
        f"{country.trunk}{head} {tail}",
        f"+{country.dial} ({country.trunk}{head}) {tail.replace(' ', '-')}" if country.trunk else f"({head}) {tail}",
    )[way % 5]
