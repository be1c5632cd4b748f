"""Sign-in at Debian's simplesamlphp, over its real pages. Not among the tests that are always run: `make test-saml` runs it."""

from __future__ import annotations

import html
import re
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.test import Client

from identities.models import Identity
from tests import make_saml as make
from tests import make_sso as sso
from tests.make_sign_ins import way_out

pytestmark = pytest.mark.django_db
INSTALLED = Path("/usr/share/simplesamlphp/www")
APT = "apt-get install -y simplesamlphp php-cli php-xml php-mbstring php-sqlite3 php-curl"
ROUTER = """<?php
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if (!preg_match('#^/simplesaml/([\\\\w./-]+?\\\\.php)(/.*)?$#', $path, $found)) { http_response_code(404); return; }
$_SERVER['SCRIPT_NAME'] = $_SERVER['PHP_SELF'] = '/simplesaml/' . $found[1];
$_SERVER['SCRIPT_FILENAME'] = '/usr/share/simplesamlphp/www/' . $found[1];
$_SERVER['PATH_INFO'] = $found[2] ?? '';
chdir(dirname($_SERVER['SCRIPT_FILENAME']));
require $_SERVER['SCRIPT_FILENAME'];
"""
CONFIG = """<?php $config = [
'baseurlpath' => 'http://localhost:{port}/simplesaml/', 'certdir' => '{folder}/', 'loggingdir' => '{folder}/', 'datadir' => '{folder}/',
'tempdir' => '{folder}/tmp', 'secretsalt' => 'of this test', 'auth.adminpassword' => 'of this test', 'timezone' => 'UTC',
'technicalcontact_name' => 'Test', 'technicalcontact_email' => 'na@example.org', 'debug' => [], 'logging.handler' => 'errorlog',
'logging.level' => 3, 'enable.saml20-idp' => true, 'store.type' => 'phpsession', 'session.cookie.secure' => false,
'session.cookie.samesite' => null, 'session.phpsession.savepath' => '{folder}/tmp', 'session.phpsession.cookiename' => 'SimpleSAML',
'session.duration' => 3600, 'language.default' => 'en', 'theme.use' => 'default', 'module.enable' => ['exampleauth' => true],
'metadata.sources' => [['type' => 'flatfile', 'directory' => '{folder}']], 'trusted.url.domains' => null];
"""
PEOPLE = """<?php $config = ['people' => ['exampleauth:UserPass',
'erin:erinpass' => ['uid' => ['s-erin'], 'displayName' => ['Erin Malik'], 'urn:example:groups' => ['releases', 'lunch']]]];
"""
IDP = """<?php $metadata['__DYNAMIC:1__'] = ['host' => '__DEFAULT__', 'privatekey' => 'idp.pem', 'certificate' => 'idp.crt', 'auth' => 'people',
'authproc' => [3 => ['class' => 'saml:AttributeNameID', 'attribute' => 'uid',
'Format' => 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent']]];
"""
SP = """<?php $metadata['{entity}'] = ['AssertionConsumerService' => '{acs}',
'NameIDFormat' => 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent'];
"""


@pytest.fixture
def idp(tmp_path: Path) -> Iterator[str]:
    """The running provider's address."""
    if shutil.which("php") is None or not INSTALLED.is_dir():
        pytest.skip(f"no simplesamlphp found; install it with: {APT}")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    key, certificate = make.pair("peer")
    (tmp_path / "tmp").mkdir()
    for name, text in {
        "router.php": ROUTER.replace("\\\\", "\\"),
        "config.php": CONFIG.format(port=port, folder=tmp_path),
        "authsources.php": PEOPLE,
        "saml20-idp-hosted.php": IDP,
        "saml20-sp-remote.php": SP.format(entity=make.SP, acs=make.ACS),
        "idp.pem": key,
        "idp.crt": certificate,
    }.items():
        (tmp_path / name).write_text(text)
    with (tmp_path / "php.log").open("w") as log:
        process = subprocess.Popen(
            ["php", "-d", "display_errors=0", "-S", f"localhost:{port}", str(tmp_path / "router.php")],
            env={"PATH": "/usr/bin:/bin", "SIMPLESAMLPHP_CONFIG_DIR": str(tmp_path)}, stdout=log, stderr=log,
        )  # fmt: skip
        try:
            for _ in range(100):
                with socket.socket() as line:
                    if line.connect_ex(("localhost", port)) == 0:
                        break
                time.sleep(0.1)
            yield f"http://localhost:{port}/simplesaml"
        finally:
            process.terminate()
            process.wait(20)


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, page[:3000]
    return html.unescape(found[1])


def test_in_with_groups_and_not_twice_with_one_response(client: Client, idp: str) -> None:
    config = {"sso_url": f"{idp}/saml2/idp/SSOService.php", "certificates": [make.pair("peer")[1]]}
    issuer = f"{idp}/saml2/idp/metadata.php"
    sso.provider("corp-saml", issuer=issuer, protocol="saml", client_id="", config=config, groups_claim=make.GROUPS)
    sso.rules(sso.rule("releases", "approver:release"), slug="corp-saml")
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    with browser.open(way_out(client, make.LOGIN), timeout=30) as answer:
        asks, page = answer.url, answer.read().decode()
    said = {"username": "erin", "password": "erinpass", "AuthState": hidden(page, "AuthState")}
    with browser.open(asks.partition("?")[0], urlencode(said).encode(), timeout=30) as answer:
        given = hidden(answer.read().decode(), "SAMLResponse")
    first = client.post("/accounts/saml/corp-saml/acs/", {"SAMLResponse": given})
    assert first.status_code == 302, first.content
    assert client.get(first["Location"])["Location"] == "/"
    erin = Identity.objects.get(issuer=issuer)
    assert (erin.subject, erin.name) == ("s-erin", "Erin Malik")
    assert [role.role for role in erin.roles.filter(ended_at__isnull=True)] == ["approver:release"]
    assert client.session["_auth_user_id"] == str(erin.user.pk)
    assert Client().post("/accounts/saml/corp-saml/acs/", {"SAMLResponse": given}).status_code == 409
