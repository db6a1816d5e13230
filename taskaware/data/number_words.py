"""Words beside numbers: marks of a missing one, currencies, magnitudes, endings."""

MARKS = frozenset(
    (
        "-",
        "--",
        "---",
        "–",
        "—",
        ".",
        "..",
        "...",
        "*",
        "unknown",
        "unk",
        "missing",
        "none",
        "null",
        "nil",
        "void",
    )
    + ("na", "n.a.", "n.a", "n/a", "n/k", "nk", "nan", "tbd", "tba", "not available", "not applicable")
    + ("not known", "not recorded", "no data", "no answer", "undefined", "empty", "blank", "error")
)
"""Words for a missing number, in lower case; among words they may be a category."""

CODES = frozenset(
    (
        "USD",
        "EUR",
        "GBP",
        "JPY",
        "CHF",
        "CNY",
        "INR",
        "AUD",
        "CAD",
        "NZD",
        "SEK",
        "NOK",
        "DKK",
        "PLN",
        "CZK",
        "HUF",
    )
    + (
        "BRL",
        "MXN",
        "ZAR",
        "RUB",
        "TRY",
        "KRW",
        "SGD",
        "HKD",
        "US$",
        "A$",
        "C$",
        "R$",
        "Rs",
        "Rs.",
        "kr",
        "zł",
        "Fr.",
    )
)
"""Currencies that may stand before a number, beside the signs of Unicode's currencies."""

MAGNITUDES = {
    **dict.fromkeys(("k", "K", "tsd", "tsd.", "thousand"), 1e3),
    **dict.fromkeys(("m", "M", "Mio", "mio", "mio.", "mn", "mln", "million", "millionen", "millione"), 1e6),
    **dict.fromkeys(("b", "B", "G", "bn", "bln", "billion", "mrd", "mrd.", "milliard", "milliarde"), 1e9),
    **dict.fromkeys(("T", "trillion"), 1e12),
}
UNITS_TOO = frozenset("mbGT")
"""Magnitudes that are units, too, where a column has no other."""

ORDINALS = frozenset(("st", "nd", "rd", "th"))

ABOUT = (
    *(r"[~≈≃∼]", r"ca\.", r"approx\.?\s"),
    *(rf"{word}\s" for word in ("about", "approximately", "circa", "etwa", "environ")),
)
"""Expressions of what says that the number behind is not exact."""
