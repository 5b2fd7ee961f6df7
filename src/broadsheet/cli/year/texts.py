"""What the sample year is told in: subjects and angles of its articles, names, places, and what readers say."""

from dataclasses import dataclass
from typing import Final


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


#: What articles are about, with their tags.
SUBJECTS: Final = (
    ("sleeping on a bad back", ("sleep", "chronic pain")),
    ("the first walk after surgery", ("movement", "recovery")),
    ("breathing slowly", ("mind",)),
    ("soup for tired evenings", ("nutrition",)),
    ("asking for help", ("caregivers", "mind")),
    ("heat, cold and sore shoulders", ("chronic pain",)),
    ("the afternoon dip", ("sleep", "nutrition")),
    ("stairs", ("movement",)),
    ("waking at four", ("sleep", "mind")),
    ("flare-ups", ("chronic pain", "recovery")),
    ("coming home from hospital", ("recovery", "caregivers")),
    ("swimming in winter", ("movement",)),
    ("cooking with one hand", ("nutrition", "recovery")),
    ("the night before an appointment", ("mind", "sleep")),
    ("sitting all day", ("movement", "chronic pain")),
    ("naps", ("sleep",)),
    ("pain diaries", ("chronic pain", "mind")),
    ("stretching in bed", ("movement", "sleep")),
    ("breakfast on a small appetite", ("nutrition",)),
    ("sharing the care", ("caregivers",)),
    ("going back to work", ("recovery", "mind")),
    ("gardening from a chair", ("movement", "recovery")),
    ("screens in the evening", ("sleep",)),
    ("cramps at night", ("sleep", "chronic pain")),
    ("drinking enough", ("nutrition",)),
    ("saying no kindly", ("mind", "caregivers")),
    ("balance after sixty", ("movement",)),
    ("living with scars", ("recovery",)),
    ("headaches and the weather", ("chronic pain",)),
    ("a noisy house", ("mind", "sleep")),
    ("shopping with little energy", ("nutrition", "recovery")),
    ("dancing while seated", ("movement",)),
    ("a weak grip", ("movement", "chronic pain")),
    ("resting without guilt", ("recovery", "mind")),
    ("the first cold days", ("chronic pain",)),
    ("long car journeys", ("chronic pain", "movement")),
    ("a partner who snores", ("sleep", "caregivers")),
    ("the waiting room", ("mind",)),
    ("stiff fingers", ("chronic pain", "movement")),
    ("summer nights", ("sleep",)),
    ("holidays on half the energy", ("recovery", "mind")),
    ("beans, oats and other slow food", ("nutrition",)),
    ("letting friends visit", ("caregivers", "recovery")),
    ("counting steps, or not", ("movement", "recovery")),
    ("lifting and carrying", ("chronic pain", "movement")),
    ("standing in queues", ("chronic pain",)),
)


@dataclass(frozen=True)
class Angle:
    """One way of writing about a subject."""

    title: str
    excerpt: str
    category: str
    author: str
    tag: str = ""


ANGLES: Final = (
    Angle("{Subject}: where to begin", "A small first step with {subject}, and how to know that it is small enough.",
          "GUIDES", "Fergus O'Mossbank"),
    Angle("A week with {subject}", "Seven days, honestly noted. Nothing was cured, and something was easier.",
          "PATIENT_STORIES", "Stillwater Editorial Team", "patient story"),
    Angle("What studies say about {subject}", "Three good studies, one poor one, and what we do with them here.",
          "RESEARCH", "Dr Ilse Brackwater", "research"),
    Angle("{Subject}: your questions", "You asked about {subject}. Here is what our team would say to a friend.",
          "QUESTIONS", "Mina Shizukawa"),
    Angle("What nobody told me about {subject}", "Somebody who has lived with it for years says what helped.",
          "PATIENT_STORIES", "Stillwater Editorial Team", "patient story"),
)  # fmt: skip

#: Of every article, in this order; ``{subject}`` stands for what it is about.
PARAGRAPHS: Final = (
    "People ask us about {subject} more often than one would think, and usually at the end of a visit, with one hand "
    "on the door. So here is what we say when there is time to sit down again.",
    "## Smaller than you think\n\nWhatever you plan, halve it. If it goes well, do the same tomorrow, and not more. "
    "With {subject}, as with most things here, regular beats heroic.",
    "- Choose a time of day that is quiet anyway.\n- Write down one line about how it went.\n- Stop while it is still "
    "going well.",
    "> I was waiting for the day on which it would be easy. It got ordinary instead, which is better.",
    "If something changes suddenly, or worries you, please ring your own care team. You will not be wasting anybody's "
    "time.",
)

FIRST_NAMES: Final = _words("""
    Ada Alma Amina Anton Arvid Astrid Aylin Bente Bram Carla Cem Clara Cosima Dario Dilek Edda Elif Elin Emil Enno
    Ester Fabian Farah Fenja Finn Frieda Greta Hanne Hedda Henrik Ida Ilja Imke Ingrid Ivo Jannis Jette Jonas Juna
    Kaja Karim Kasper Lale Lars Leni Lina Linus Lotte Malin Marek Marit Mats Mila Mirko Nadja Nele Nils Noor Oda Ole
    Orla Paula Pelle Petra Piet Rana Rasmus Rieke Robin Runa Samir Selma Sina Stella Svea Tamar Theo Thies Tilda
    Timo Tuva Ulla Vera Vito Wanda Wim Yara Yusuf Zoe
""")
LAST_NAMES: Final = _words("""
    Abendroth Achterberg Apfelhain Bachufer Birkenau Blauholm Brombeer Dachsbau Deichgraf Distelfink Eichenhain
    Elsternest Falkenried Farnhold Feldrain Finkenschlag Fliederbusch Grashalm Haferkorn Haselwarter Heidekraut
    Holderbusch Immergrün Kiebitz Kieselbach Kirschgarten Klatschmohn Kornblum Krähenfeld Landsteg Lerchenau
    Lindwurm Marschland Mohnkorn Moosgrund Nebelhorn Nordlicht Otterbach Pappelsaum Pfefferminz Quellgrund
    Regenpfeif Rohrdommel Rosenstock Sandbank Schilfrohr Schlehdorn Seegras Silberdistel Sonnentau Sperling
    Sternwart Strandhafer Tannenzapf Taubenschlag Uferweide Vogelbeer Wacholder Waldkauz Weidenkorb Wellhorn
    Wiesengrund Windfang Zaunkönig Zitterpappel
""")
#: Recipient domains, with how many people of a hundred are there.
DOMAINS: Final = (
    ("mailbird.example", 34), ("postfach.test", 19), ("lindenpost.example", 13), ("quietmail.example", 10),
    ("paperboat.example", 8), ("seaside-net.example", 6), ("harbourpost.example", 4), ("kielschule.example", 3),
    ("oldisp.test", 2), ("studio-north.example", 1),
)  # fmt: skip
#: Country, time zone, language, and how many of a hundred live there.
PLACES: Final = (
    ("DE", "Europe/Berlin", "en", 54), ("AT", "Europe/Vienna", "de", 10), ("CH", "Europe/Zurich", "de", 9),
    ("GB", "Europe/London", "en", 11), ("US", "America/New_York", "en", 7), ("NL", "Europe/Amsterdam", "en", 4),
    ("FR", "Europe/Paris", "fr", 3), ("CA", "America/Toronto", "en", 2),
)  # fmt: skip
#: What people like to read, and how many of a hundred like just that.
INTERESTS: Final = (
    (("chronic pain", "sleep"), 26), (("movement", "recovery"), 22), (("chronic pain", "movement"), 14),
    (("mind", "sleep"), 13), (("chronic pain", "research"), 9), (("mind", "nutrition"), 9),
    (("caregivers", "patient story"), 7),
)  # fmt: skip
#: Why readers leave, and how many of a hundred say so; the first is what one click says.
LEFT_BECAUSE: Final = (
    ("not said (one-click)", 46), ("too many mails", 21), ("not what I expected", 12), ("no longer interested", 11),
    ("I am better now, thank you", 6), ("I did not ask for this", 4),
)  # fmt: skip
#: What servers say to addresses that do not exist.
GONE: Final = (
    "550 5.1.1 <{address}>: Recipient address rejected: User unknown",
    "550 5.1.1 The email account that you tried to reach does not exist",
    "550 5.1.10 Recipient not found",
)
#: What they say to mail that they will not have today, and rarely.
NOT_TODAY: Final = (
    "552 5.2.2 Mailbox full",
    "550 5.7.1 Message rejected due to content restrictions",
    "554 5.7.1 Service unavailable; client host blocked for now",
    "450 4.2.1 The user you are trying to contact is receiving mail too quickly",
)
