"""Settings, read from the environment once. A wrong value stops the start with a sentence that says how to mend it.

Every setting a user may set has its line in docs/settings.md. Contradictions between settings are found by `portal.system_checks`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from csp.constants import NONCE, NONE, SELF

from portal import __version__
from portal.environment import (
    certificates_in,
    env_aaguids,
    env_bool,
    env_int,
    env_list,
    env_origin,
    env_path,
    env_secret,
    env_text,
    env_url,
    local_secret,
    parse_database_url,
    sqlite_database,
)
from portal.log import logging_settings

VERSION = __version__
BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = env_path("VAR_DIR", BASE_DIR / "var")

# --- what kind of portal this is -------------------------------------------------------------------------------------------------------
DEMO = env_bool("DEMO", False)
DEBUG = env_bool("DEBUG", False)
ORIGIN = env_origin("ORIGIN", "http://localhost:8000")
ORIGIN_HOST = urlsplit(ORIGIN).hostname or ""
RP_ID = env_text("RP_ID", ORIGIN_HOST)
SECRET_KEY = env_secret("SECRET_KEY", "") or local_secret(VAR_DIR / "secret_key")
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS", [ORIGIN_HOST])
PORT = env_int("PORT", 8000, least=1, most=65535)
TRUSTED_PROXIES = env_int("TRUSTED_PROXIES", 0, least=0, most=8)

# --- keys and the ledger ---------------------------------------------------------------------------------------------------------------
LOG_ORIGIN = env_text("LOG_ORIGIN", f"{urlsplit(ORIGIN).netloc}/log")
RECORDER_KEY_FILE = env_path("RECORDER_KEY_FILE", VAR_DIR / "keys" / "recorder.pem")
LOG_KEY_FILE = env_path("LOG_KEY_FILE", VAR_DIR / "log-keys" / "log.pem")
LOG_VKEY_FILE = env_path("LOG_VKEY_FILE", VAR_DIR / "keys" / "log.vkey")
LOG_STATE_FILE = env_path("LOG_STATE_FILE", VAR_DIR / "log-keys" / "last-signed")

# --- work and its limits ---------------------------------------------------------------------------------------------------------------
BROKER_URL = env_url("BROKER_URL", "", schemes=("redis", "rediss"))
LEASE_SECONDS = env_int("LEASE_SECONDS", 30, least=1, most=3600)
MAX_ATTEMPTS = env_int("MAX_ATTEMPTS", 3, least=1, most=20)
BATCH_SIZE = env_int("BATCH_SIZE", 20, least=1, most=1000)
SWEEP_SECONDS = env_int("SWEEP_SECONDS", 1, least=1, most=60)
# Tier of an environment → hours people have to answer a request to it.
ANSWER_HOURS = {
    1: env_int("ANSWER_HOURS_TIER_1", 48, least=1, most=8760),
    2: env_int("ANSWER_HOURS_TIER_2", 24, least=1, most=8760),
    3: env_int("ANSWER_HOURS_TIER_3", 4, least=1, most=8760),
}
MAX_EVIDENCE_BYTES = env_int("MAX_EVIDENCE_BYTES", 1024 * 1024, least=1024, most=64 * 1024 * 1024)
MAX_COLLECTION_BYTES = env_int("MAX_COLLECTION_BYTES", 16 * 1024 * 1024, least=1024, most=256 * 1024 * 1024)
API_CALLS_PER_MINUTE = env_int("API_CALLS_PER_MINUTE", 600, least=1, most=1_000_000)
CEREMONY_SECONDS = env_int("CEREMONY_SECONDS", 300, least=30, most=300)
# How long people have to answer a request before it expires, for each tier of environments.
_EXPIRY_DAYS = env_int("REQUEST_EXPIRY_DAYS", 30, least=1, most=365)
REQUEST_EXPIRY_DAYS = {
    1: env_int("REQUEST_EXPIRY_DAYS_TIER_1", _EXPIRY_DAYS, least=1, most=365),
    2: env_int("REQUEST_EXPIRY_DAYS_TIER_2", _EXPIRY_DAYS, least=1, most=365),
    3: env_int("REQUEST_EXPIRY_DAYS_TIER_3", _EXPIRY_DAYS, least=1, most=365),
}
# For how long what was promoted may be started again at its place before people are asked anew.
RUN_DAYS = env_int("RUN_DAYS", 180, least=1, most=3650)
# How long a program has to report what became of what a gate let it do, before that is noted as unknown.
EXECUTION_MINUTES = env_int("EXECUTION_MINUTES", 60, least=1, most=43_200)
# Hosts by name that webhooks may reach although they are not public.
WEBHOOK_PRIVATE_HOSTS = frozenset(env_list("WEBHOOK_PRIVATE_HOSTS", []))
KEY_COOLING_HOURS = env_int("KEY_COOLING_HOURS", 24, least=0, most=720)
RECOVERY_HOURS = env_int("RECOVERY_HOURS", 72, least=1, most=720)
RECOVERED_KEY_COOLING_HOURS = env_int("RECOVERED_KEY_COOLING_HOURS", 72, least=0, most=720)
# Whether what Sigstore's own mirror sends takes the place of what it sent before without two officers: TUF's keys are the authority there.
UPDATE_PUBLIC_GOOD_ROOT = env_bool("UPDATE_PUBLIC_GOOD_ROOT", True)
# Roots of makers of authenticators (DER), and the models whose attested keys reach level H4; without roots nobody asks for an attestation.
ATTESTATION_ROOTS = certificates_in(env_path("ATTESTATION_ROOTS_FILE", Path()))
AUTHENTICATORS = env_aaguids("AUTHENTICATORS")
HEARTBEAT_DIR = env_path("HEARTBEAT_DIR", VAR_DIR / "heartbeats")
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_EVIDENCE_BYTES + 64 * 1024
# One form takes a file and brings a handler of its own; one that is sent with any other form is thrown away unread. Larger bodies do not
# come past portal.screen_requests.
FILE_UPLOAD_HANDLERS: list[str] = []

# --- database and cache ----------------------------------------------------------------------------------------------------------------
DATABASE_URL = env_url("DATABASE_URL", "", schemes=("sqlite", "postgresql", "postgres"))
DATABASES: dict[str, dict[str, Any]] = {
    "default": parse_database_url(DATABASE_URL, password=env_secret("DATABASE_PASSWORD", ""))
    if DATABASE_URL
    else sqlite_database(VAR_DIR / "countersign.sqlite3")
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# Limits of sign-ins and API calls count in the cache, so every process must share it: the database where there is no Redis.
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": BROKER_URL, "KEY_PREFIX": "countersign"}
    if BROKER_URL
    # Django's own 300 rows would throw live counters out as soon as some hundred callers are counted.
    else {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "portal_cache", "OPTIONS": {"MAX_ENTRIES": 10_000}}
}

# --- the application -------------------------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.socialaccount.providers.saml",
    "allauth.usersessions",
    "csp",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "ledger",
    "identities",
    "attestations",
    "approvals",
    "gates",
    "reports",
    "portal",
]
MIDDLEWARE = [
    "portal.log.RequestLogMiddleware",
    "django.middleware.security.SecurityMiddleware",
    # Files are compressed before, once; they come from the one below and hold nothing secret.
    "portal.compress.CompressPagesMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "portal.headers.PermissionsPolicyMiddleware",
    "csp.middleware.CSPMiddleware",
    "portal.screen_requests.ScreenRequestsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    # Around all that may refuse a signed-in person or a program, so that refusals are kept too.
    "identities.audit.record_requests.AuditMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "identities.preferences.follow_reader.FollowReaderMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "portal.errors.RefusalMiddleware",
]
ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            # What every page may need: words in the reader's language.
            "builtins": ["django.templatetags.i18n", "portal.templatetags.languages"],
        },
    }
]
USE_TZ = True
TIME_ZONE = "UTC"
# What nobody chose a language for is English: the API, the log, mails, and everything that is signed.
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "locale"]
# Made-up languages that show what is not translated (portal/languages/pseudo.py). Never offered to anybody.
PSEUDO_LANGUAGES = DEBUG
LOGGING_CONFIG = "logging.config.dictConfig"
LOGGING = logging_settings(level=env_text("LOG_LEVEL", "INFO").upper(), as_json=env_bool("LOG_JSON", not (DEMO or DEBUG)))

# --- static files ----------------------------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = env_path("STATIC_DIR", VAR_DIR / "static")
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "portal.static_files.PortalStaticStorage"},
}

# --- what the browser is told ----------------------------------------------------------------------------------------------------------
IS_HTTPS = ORIGIN.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
SESSION_COOKIE_NAME = "__Host-session" if IS_HTTPS else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if IS_HTTPS else "csrf"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
CSRF_TRUSTED_ORIGINS = [ORIGIN]
CSRF_FAILURE_VIEW = "portal.errors.csrf_failure"
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = env_bool("HSTS_SUBDOMAINS", IS_HTTPS)
# To be built into browsers is a decision about a whole domain, which a portal on one host of it cannot take by itself.
SECURE_HSTS_PRELOAD = env_bool("HSTS_PRELOAD", False)
SILENCED_SYSTEM_CHECKS = [] if SECURE_HSTS_PRELOAD else ["security.W021"]
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
# Only a proxy of ours may say that the outside connection was encrypted.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
# Without a proxy that says how the outside connection came, every request would look unencrypted and be sent round for ever.
SECURE_SSL_REDIRECT = IS_HTTPS and TRUSTED_PROXIES > 0
# Probes ask inside, past the proxy.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
X_FRAME_OPTIONS = "DENY"
PERMISSIONS_POLICY = (
    "publickey-credentials-get=(self), publickey-credentials-create=(self), camera=(), microphone=(), geolocation=(), payment=()"
)
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}

# --- sign-in ---------------------------------------------------------------------------------------------------------------------------
# Empty: identity providers are set up on pages and by commands alone.
IDENTITY_PROVIDERS_FILE = (
    env_path("IDENTITY_PROVIDERS_FILE", VAR_DIR / "identity-providers.toml") if env_text("IDENTITY_PROVIDERS_FILE", "") else None
)
AUTH_USER_MODEL = "identities.User"
AUTHENTICATION_BACKENDS = ["identities.sign_in.accounts.AccountBackend"]
SESSION_ENGINE = "identities.sign_in.session_rows"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/accounts/login/"
# Nobody makes an account for themselves: people are registered by an identity steward.
ACCOUNT_ADAPTER = "identities.sign_in.adapter.ClosedAdapter"
ACCOUNT_FORMS = {
    "change_password": "identities.sign_in.password_forms.OwnPasswordForm",
    "set_password": "identities.sign_in.password_forms.FirstPasswordForm",
    "reset_password": "identities.sign_in.password_forms.ForgottenPasswordForm",
    "reset_password_from_key": "identities.sign_in.password_forms.NewPasswordForm",
}
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_DEFAULT_HTTP_PROTOCOL = urlsplit(ORIGIN).scheme
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES
# What is last seen is kept by identities.preferences.follow_reader: the library would write a row for every request.
USERSESSIONS_TRACK_ACTIVITY = False
MFA_ADAPTER = "identities.sign_in.adapter.PasskeyAdapter"
MFA_FORMS = {
    "login_webauthn": "identities.sign_in.factor_forms.PasskeySignInForm",
    "authenticate": "identities.sign_in.factor_forms.SecondFactorForm",
    "authenticate_webauthn": "identities.sign_in.factor_forms.SecondFactorPasskeyForm",
    "reauthenticate_webauthn": "identities.sign_in.factor_forms.ReauthenticatePasskeyForm",
    "add_webauthn": "identities.sign_in.factor_forms.NewPasskeyForm",
}
MFA_SUPPORTED_TYPES = ["webauthn", "totp", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_PASSKEY_SIGNUP_ENABLED = False
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = False
# Addresses are set by a steward, not proven by mail; a second factor must not wait for that.
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_TOTP_ISSUER = "Countersign"
# Identity providers are rows of ours, and so is whose account a sign-in is; the library keeps nothing of either.
SOCIALACCOUNT_ADAPTER = "identities.sso.adapter.ProviderAdapter"
SOCIALACCOUNT_LOGIN_ON_GET = False
SOCIALACCOUNT_AUTO_SIGNUP = False
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False
EMAIL_HOST = env_text("EMAIL_HOST", "")
EMAIL_PORT = env_int("EMAIL_PORT", 587, least=1, most=65535)
EMAIL_USE_TLS = env_bool("EMAIL_TLS", True)
EMAIL_HOST_USER = env_text("EMAIL_USER", "")
EMAIL_HOST_PASSWORD = env_secret("EMAIL_PASSWORD", "")
# A mail server that does not answer must not hold up the worker's other chores.
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env_text("EMAIL_FROM", f"countersign@{ORIGIN_HOST}")
# Without a mail server nothing is sent; reset links must not end up in the log either.
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'dummy'}.EmailBackend"

# --- API -------------------------------------------------------------------------------------------------------------------------------
REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "identities.api_authentication.CredentialAuthentication",
        "identities.api_authentication.PersonAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["identities.api_authentication.HasScope"],
    "DEFAULT_THROTTLE_CLASSES": ["portal.throttle.CallerThrottle"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["portal.read_json.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "portal.errors.problem_response",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "UNICODE_JSON": True,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Countersign",
    "DESCRIPTION": "Evidence in, decisions out. Every refusal is an RFC 9457 problem document with a stable code.",
    "VERSION": VERSION,
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "ENFORCE_NON_BLANK_FIELDS": True,
    "ENUM_NAME_OVERRIDES": {
        "CollectionKindEnum": "proofs.collection.read.KINDS",
        "ItemAnswerEnum": ["new", "known", "refused"],
        "PathOutcomeEnum": "approvals.models.PathFinding.Outcome",
        "PlaceKindEnum": "attestations.models.Place.Kind",
        "VerificationStateEnum": "attestations.models.VerificationJob.State",
        "QuestionAnswerEnum": ["yes", "no", "unknown"],
        "RequestStatusEnum": "approvals.models.RequestState.Status",
        "VerdictResultEnum": "attestations.models.Verdict.Result",
    },
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "portal.openapi.add_problems"],
}
