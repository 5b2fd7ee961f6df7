"""An OpenID Connect provider on loopback: real keys, real tokens, its own memory. It can be told to misbehave."""

import base64
import hashlib
import json
import secrets
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlencode, urlsplit
from wsgiref.simple_server import WSGIRequestHandler, make_server

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

CLIENT, SECRET = "broadsheet", "a-secret-of-the-test"


@dataclass
class Identity:
    """What the provider knows, and what it was asked."""

    email: str = "publisher@stillwater.test"
    verified: object = True
    issuer: str = ""
    #: laid over the ID token's claims; None takes one out
    claims: dict = field(default_factory=dict)
    #: what signs the ID token: its own key, another's, or nothing
    signed: str = "own"
    #: claims that are told at the userinfo endpoint instead of in the token
    at_userinfo: tuple = ()
    userinfo: dict = field(default_factory=dict)
    #: an answer of the authorization endpoint in place of a code
    error: str = ""
    down: tuple = ()
    asked: list = field(default_factory=list)
    codes: dict = field(default_factory=dict)

    def __post_init__(self):
        self.keys = {name: rsa.generate_private_key(65537, 2048) for name in ("own", "other")}

    def __call__(self, environ, start_response):
        path, query = environ["PATH_INFO"], parse_qs(environ["QUERY_STRING"])
        given = {name: values[0] for name, values in query.items()}
        if environ["REQUEST_METHOD"] == "POST":
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)).decode()
            given |= {name: values[0] for name, values in parse_qs(body).items()}
        self.asked.append((path, given))
        answer = {
            "/.well-known/openid-configuration": self.discovery,
            "/authorize": self.authorize,
            "/token": self.token,
            "/keys": self.jwks,
            "/userinfo": self.tell,
        }.get(path)
        if answer is None or path in self.down:
            start_response("503 Service Unavailable", [])
            return [b""]
        status, headers, content = answer(given)
        start_response(status, headers)
        return [content.encode()]

    def discovery(self, _given):
        return as_json(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "userinfo_endpoint": f"{self.issuer}/userinfo",
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
            }
        )

    def authorize(self, given):
        """The page where one says yes; with ``yes`` the way back."""
        if "yes" not in given:
            link = "/authorize?" + urlencode({**given, "yes": "1"})
            page = f'<!doctype html><title>Provider</title><link rel="icon" href="data:,"><a id="yes" href="{link}">Go on as {self.email}</a>'
            return "200 OK", [("Content-Type", "text/html; charset=utf-8")], page
        back = {"state": given["state"], "error": self.error} if self.error else {"state": given["state"]}
        if not self.error:
            back["code"] = secrets.token_urlsafe(16)
            self.codes[back["code"]] = given
        return "302 Found", [("Location", f"{given['redirect_uri']}?{urlencode(back)}")], ""

    def token(self, given):
        asked = self.codes.pop(given.get("code"), None)
        fits = asked and (given["client_id"], given.get("client_secret")) == (CLIENT, SECRET)
        fits = fits and given["redirect_uri"] == asked["redirect_uri"]
        verifier = hashlib.sha256(given.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(verifier).rstrip(b"=").decode()
        if not fits or asked["code_challenge_method"] != "S256" or asked["code_challenge"] != challenge:
            return as_json({"error": "invalid_grant"}, "400 Bad Request")
        return as_json(
            {"access_token": "an-access-token", "token_type": "Bearer", "id_token": self.id_token(asked.get("nonce"))}
        )

    def id_token(self, nonce):
        now = int(time.time())
        claims = {
            "iss": self.issuer, "sub": "7", "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": nonce,
            "email": self.email, "email_verified": self.verified, **self.claims,
        }  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None and name not in self.at_userinfo}
        if self.signed == "none":
            return jwt.encode(claims, None, algorithm="none")
        if self.signed == "shared":
            return jwt.encode(claims, SECRET.ljust(64, "-"), algorithm="HS256", headers={"kid": "own"})
        return jwt.encode(claims, self.keys[self.signed], algorithm="RS256", headers={"kid": "own"})

    def jwks(self, _given):
        key = json.loads(RSAAlgorithm.to_jwk(self.keys["own"].public_key()))
        return as_json({"keys": [{**key, "kid": "own", "use": "sig", "alg": "RS256"}]})

    def tell(self, _given):
        return as_json({"sub": "7", "email": self.email, "email_verified": self.verified, **self.userinfo})


def as_json(data, status="200 OK"):
    return status, [("Content-Type", "application/json")], json.dumps(data)


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_arguments):
        """Nothing: a test's output is its own."""


@contextmanager
def provider():
    """The provider as it is served."""
    identity = Identity()
    with make_server("127.0.0.1", 0, identity, handler_class=_Quiet) as server:
        identity.issuer = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield identity
        finally:
            server.shutdown()
            thread.join()


def way(address):
    """The path and query of an address."""
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}"
