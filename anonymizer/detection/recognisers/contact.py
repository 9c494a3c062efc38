# ruff: noqa: E501 - a pattern is read in one piece
"""Ways to reach a person or a device: e-mail, web addresses, handles, internet addresses, device numbers.

Part of the catalogue (`recognisers`). Telephone numbers are found by `anonymizer.detection.phones`. No network and no
list of public suffixes is asked: a domain is recognised by its form, and without a scheme or `www.` by the endings below.

Called by: `anonymizer.detection.recognisers`, which builds the recognisers of a policy from these rules.

Invariants: those of `anonymizer.detection.recognisers` (linear patterns, an invented example for each rule).
"""

from typing import Final

from anonymizer.detection import checksums
from anonymizer.detection.pattern_recogniser import END, START, PatternRule, Subject

__all__ = ["DEVICE", "EMAIL", "HANDLE", "IP", "URL"]

_LABEL: Final = r"[^\W_](?:[\w\-]{0,61}[^\W_])?"
_TLD: Final = (
    "com|org|net|info|gov|edu|int|mil|biz|io|me|co|app|eu|uk|us|fr|de|ch|lb|jo|iq|tr|sy|eg|kw|sa|ae|ir|af|pk|ps|qa|om|ye|bh"
    "|ly|tn|dz|ma|sd|example|test"
)
_PATH: Final = r"[^\s<>\"']{1,500}(?<![.,;:!?)\]])"
_NETWORKS: Final = (
    r"(?:t|telegram)\.me|(?:facebook|fb|instagram|twitter|x|tiktok|snapchat|linkedin|youtube|vk|threads)\.(?:com|net)"
    r"|fb\.me|m\.me|wa\.me|viber\.me|imo\.im|signal\.me"
)
_NETWORK_NAMES: Final = (
    "telegram|instagram|insta|facebook|messenger|twitter|tiktok|snapchat|snap|skype|imo|threads|discord"
    "|تلغرام|تيليجرام|تليجرام|تلجرام|انستغرام|انستجرام|انستا|فيسبوك|فيس بوك|تويتر|تيك توك|سناب شات|سناب|سكايب"
)

EMAIL: Final = Subject(
    "EMAIL_ADDRESS",
    (
        PatternRule(
            "address",
            rf"(?<![\w.+\-@])[\w.!#$%&'*+/=?^`{{|}}~\-]{{1,64}}@{_LABEL}(?:\.{_LABEL}){{1,8}}",
            1.0,
            hint="@",
            example="lina.k@example.org",
            source="RFC 5321; RFC 6531 for other scripts",
        ),
        PatternRule(
            "apart",
            rf"(?<![\w.+\-@])[\w.+\-]{{1,64}}\s{{0,2}}@\s{{0,2}}{_LABEL}(?:\s?\.\s?{_LABEL}){{0,3}}\s?\.\s?(?:{_TLD})(?!\w)",
            0.9,
            hint="@",
            example="lina.k @ example . org",
        ),
        PatternRule(
            "spelled out",
            rf"(?<![\w.+\-])[\w.+\-]{{1,64}}\s?[\[(]\s?(?:at|arobase)\s?[\])]\s?{_LABEL}(?:\s?(?:\.|[\[(]\s?(?:dot|point)\s?[\])])\s?{_LABEL}){{1,4}}",
            0.8,
            hint=r"[\[(]\s?(?:at|arobase)\s?[\])]",
            example="lina (at) example (dot) org",
        ),
        PatternRule(
            "in words",
            rf"(?<![\w.+\-])[\w.+\-]{{0,63}}\w[ ](?:at[ ]{_LABEL}(?:[ ]dot[ ]{_LABEL}){{1,4}}|arobase[ ]{_LABEL}(?:[ ]point[ ]{_LABEL}){{1,4}}|ات[ ]{_LABEL}(?:[ ](?:نقطه|دوت)[ ]{_LABEL}){{1,4}})",
            0.8,
            hint=r"\s(?:dot|point|نقطه|دوت)\s",
            example="lina at example dot org",
        ),
    ),
)

URL: Final = Subject(
    "URL",
    (
        PatternRule(
            "scheme",
            rf"(?<!\w)(?:https?|ftp)://{_PATH}",
            0.9,
            hint="://",
            example="https://example.com/a17",
            source="RFC 3986",
        ),
        PatternRule("www", rf"(?<![\w.@/])www\.{_PATH}", 0.9, hint=r"www\.", example="www.example.net/a17"),
        PatternRule(
            "domain",
            rf"(?<![\w.@/\-])(?:[a-z0-9][a-z0-9\-]{{0,62}}\.){{1,6}}(?:{_TLD})(?![\w\-])(?:/[^\s<>\"']{{0,500}}(?<![.,;:!?)\]]))?",
            0.5,
            hint=rf"\.(?:{_TLD})",
            example="jobs.example.org/12",
        ),
    ),
)

IP: Final = Subject(
    "IP_ADDRESS",
    (
        PatternRule(
            "IPv4",
            r"(?<![\w.])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?:/[0-9]{1,2})?(?![\w.]*[0-9])",
            0.8,
            checksums.ip,
            example="10.1.2.3",
            source="RFC 791",
        ),
        PatternRule(
            "IPv6",
            r"(?<![\w:.])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:])",
            0.8,
            checksums.ip,
            example="2001:db8::1",
            source="RFC 4291",
        ),
    ),
)

HANDLE: Final = Subject(
    "HANDLE",
    (
        PatternRule("at", r"(?<![\w.@/+\-])@[^\W_](?:[\w.]{0,28}\w)", 0.6, hint="@", example="@lina_k17"),
        PatternRule(
            "profile",
            rf"(?<![\w@\-])(?:https?://)?(?:[a-z]{{1,4}}\.)?(?:{_NETWORKS})/{_PATH}",
            0.95,
            hint=rf"(?:{_NETWORKS})/",
            example="t.me/lina_k17",
            source="the networks' own addresses",
        ),
        PatternRule(
            "named",
            rf"(?<!\w)(?:{_NETWORK_NAMES})\s?(?:account|id|user(?:name)?|name|handle|compte|حساب)?\s?[:=]\s?"
            r"(?P<value>[^\W_][\w.\-]{2,40}(?<![.\-]))",
            0.6,
            hint=rf"(?:{_NETWORK_NAMES})",
            example="Instagram: lina.k17",
        ),
        PatternRule(
            "user name",
            r"(?<!\w)(?:user\s?name|screen\s?name|nickname|pseudo|nom d'utilisateur|اسم المستخدم|يوزر)\s?(?:is|est|هو)?\s?[:=]?\s?"
            r"(?P<value>(?=[a-z.\-]{0,40}[0-9_.])[a-z0-9][\w.\-]{2,40}(?<![.\-]))",
            0.6,
            hint="user|screen|nick|pseudo|utilisateur|مستخدم|يوزر",
            example="username lina_k17",
        ),
    ),
    ("handle", "profile", "account", "profil", "compte", "حساب", "صفحة"),
)

DEVICE: Final = Subject(
    "DEVICE_ID",
    (
        PatternRule(
            "IMEI",
            rf"{START}(?<!\-)[0-9]{{2}}[\s\-/]?[0-9]{{6}}[\s\-/]?[0-9]{{6}}[\s\-/]?[0-9]{END}",
            0.25,
            checksums.imei,
            example="35-209900-176148-1",
            source="3GPP TS 23.003: 15 digits, Luhn",
        ),
        PatternRule(
            "SIM card",
            rf"{START}89(?:\s?[0-9]){{17,18}}{END}",
            0.3,
            checksums.sim,
            example="8996101234567890128",
            source="ITU-T E.118: 89, Luhn",
        ),
        PatternRule(
            "MAC",
            r"(?<![\w:\-])[0-9a-f]{2}(?:[:\-][0-9a-f]{2}){5}(?![\w:\-])",
            0.8,
            example="02:1a:7d:00:3b:9f",
            source="IEEE 802",
        ),
    ),
    ("imei", "serial", "device", "handset", "appareil", "série", "sim", "iccid", "mac", "جهاز", "شريحة"),
)
