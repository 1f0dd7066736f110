"""What the case desk holds on a person, part by part."""


def register_all() -> None:
    """Called when the app starts. What is registered later is erased earlier: what hangs on a case by its number,
    while it is still known whose case it is."""
    from cases.alike import privacy as alike
    from cases.offers import privacy as offers
    from cases.privacy import cases, leads, moving, private, rights, story
    from cases.wording import privacy as wording

    for part in (wording, alike, offers, leads, story, private, rights, cases, moving):
        part.register_all()
