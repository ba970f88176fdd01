"""Texts in both languages that the page shows and the law asks for."""

from typing import Final

__all__ = ["CONSENT", "CONSENT_VERSION"]

# Changes whenever a word of the consent text or of what is stored changes.
CONSENT_VERSION: Final = "2026-11"
CONSENT: Final = {
    "en": (
        "I give this photograph to the operator of this server, to teach recognisers to know fruit "
        "better. It is stored without its metadata, under a random name, with the fruit's name, "
        "the day and the version of this text. Nothing says who I am. It is mine to give, and "
        "nobody can be recognised in it. I get a code with which I can have it deleted at any time."
    ),
    "fr": (
        "Je donne cette photo à l'exploitant de ce serveur, pour apprendre aux logiciels à mieux "
        "reconnaître les fruits. Elle est conservée sans métadonnées, sous un nom tiré au hasard, "
        "avec le nom du fruit, le jour et la version de ce texte. Rien ne dit qui je suis. J'ai le "
        "droit de la donner, et personne n'y est reconnaissable. Je reçois un code qui permet de "
        "la faire supprimer à tout moment."
    ),
}
