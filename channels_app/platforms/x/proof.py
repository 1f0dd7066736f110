"""Who may call us in X's name: the challenge X puts to us, and the signatures under what it sends.

Both are HMAC-SHA256 with a secret of the app: of OAuth 2 ("client_secret", which X prefers) or of OAuth 1
("consumer_secret"). While one is replaced, "…_before" still proves what came in; we answer with the new one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping

from channels_app.platforms.abilities import Answered, RawRequest
from channels_app.platforms.errors import BadSignature

# in the order X asks for: where the first is sent and can be checked, it decides
SIGNED = {
    "x-twitter-webhooks-signature-oauth2": "client_secret",
    "x-twitter-webhooks-signature": "consumer_secret",
}


def signature(secret: str, said: bytes) -> str:
    return "sha256=" + base64.b64encode(hmac.digest(secret.encode(), said, hashlib.sha256)).decode()


def answer_to_challenge(request: RawRequest, secrets: Mapping[str, str]) -> Answered | None:
    """None where X asks nothing. Raises BadSignature.

    The answer is made exactly like the signature under an event. So what could be an event is never answered: anybody
    may ask, and would hold our signature under words of their own.
    """
    token = request.query.get("crc_token", "")
    if request.method != "GET" or not token:
        return None
    if "{" in token:
        raise BadSignature("This is no challenge of X.")
    secret = next(filter(None, map(secrets.get, SIGNED.values())), None)
    if not secret:
        raise BadSignature("There is no secret of X to answer with.")
    return Answered(body=json.dumps({"response_token": signature(secret, token.encode())}), type="application/json")


def must_be_theirs(request: RawRequest, secrets: Mapping[str, str]) -> None:
    """Raises BadSignature."""
    for header, name in SIGNED.items():
        held = [secret for secret in (secrets.get(name), secrets.get(f"{name}_before")) if secret]
        given = request.headers.get(header, "")
        if given and held:
            return _must_fit(given, held, request.body)
    raise BadSignature("The call does not bear a signature of X that can be checked.")


def _must_fit(given: str, held: list[str], body: bytes) -> None:
    wanted = [signature(secret, body).encode() for secret in held]
    offered = given.encode("utf-8", "replace")
    fits = [hmac.compare_digest(one, offered) for one in wanted]  # each, so that the time tells nothing
    if not any(fits):
        raise BadSignature("The signature of the call does not fit.")
