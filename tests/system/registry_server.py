#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A registry for tests that can misbehave. It serves one small image under every repository name, and the name's first
component says how: "good/x" properly, "wrong-digest/x" with other bytes than the digest says, and so on (MODES below).
A second listener plays everybody else's host. Every request becomes one line of the log:
WHO METHOD PATH BYTES-SENT AUTHORIZATION. Prints "PORT FOREIGN_PORT TLS_PORT" when it is ready.

usage: registry_server.py LOG [--tls CERT KEY]
"""
import base64
import gzip
import hashlib
import http.server
import io
import json
import os
import socket
import ssl
import sys
import tarfile
import threading
import time
import urllib.parse

USER, PASSWORD, IDENTITY = "tester", "correct horse", "refresh-me"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def dump(value):
    return json.dumps(value).encode()


def descriptor(data, media_type, **more):
    return {"mediaType": media_type, "digest": digest(data), "size": len(data), **more}


def make_image():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in (("hello", b"hello\n"), ("random", os.urandom(6 << 20))):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    layer = gzip.compress(buffer.getvalue(), compresslevel=1)
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)
    config = dump({"architecture": machine, "os": "linux", "config": {"Cmd": ["/hello"]},
                   "rootfs": {"type": "layers", "diff_ids": [digest(buffer.getvalue())]}})
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": descriptor(config, "application/vnd.oci.image.config.v1+json"),
                "layers": [descriptor(layer, LAYER)]}
    return layer, config, manifest


LAYER_BYTES, CONFIG_BYTES, GOOD_MANIFEST = make_image()
LAYER_DIGEST, CONFIG_DIGEST = digest(LAYER_BYTES), digest(CONFIG_BYTES)
LOCK = threading.Lock()
STATE = {"foreign": 0, "tries": {}, "uploads": {}}


def changed(**members):
    manifest = json.loads(json.dumps(GOOD_MANIFEST))
    manifest.update(members)
    return manifest


def with_layer(**members):
    return changed(layers=[{**GOOD_MANIFEST["layers"][0], **members}])


# Modes whose only sin is the manifest.
MANIFESTS = {
    "layers-and-manifests": lambda: changed(manifests=[]),
    "million-layers": lambda: changed(layers=[GOOD_MANIFEST["layers"][0]] * 20_000),
    "many-layers": lambda: changed(layers=[GOOD_MANIFEST["layers"][0]] * 600),
    "path-digest": lambda: with_layer(digest="sha256:../../../../etc/passwd"),
    "unknown-algorithm": lambda: with_layer(digest="md5:d41d8cd98f00b204e9800998ecf8427e"),
    "short-digest": lambda: with_layer(digest="sha256:abcd"),
    "foreign-layer": lambda: with_layer(mediaType="application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", urls=[foreign("/layer")]),
    "urls": lambda: with_layer(urls=[foreign("/layer")], digest="sha256:" + "0" * 64),
    "unknown-layer-type": lambda: with_layer(mediaType="application/x-shellscript"),
    "negative-size": lambda: with_layer(size=-1),
    "wrong-size": lambda: with_layer(size=len(LAYER_BYTES) - 1),
    "too-large-size": lambda: with_layer(size=len(LAYER_BYTES) + 1),
    "no-config": lambda: {k: v for k, v in GOOD_MANIFEST.items() if k != "config"},
    "schema-1": lambda: changed(schemaVersion=1),
    "wrong-types": lambda: changed(layers="none"),
    "list-of-lists": lambda: {"schemaVersion": 2, "mediaType": INDEX, "manifests": [
        {**descriptor(dump(INNER_LIST), INDEX), "platform": {"os": "linux", "architecture": json.loads(CONFIG_BYTES)["architecture"]}}]},
    "other-platform": lambda: {"schemaVersion": 2, "mediaType": INDEX, "manifests": [
        {**descriptor(b"x", MANIFEST), "platform": {"os": "linux", "architecture": "vax"}}]},
}
INNER_LIST = {"schemaVersion": 2, "mediaType": INDEX, "manifests": []}


def foreign(path):
    return f"http://localhost:{STATE['foreign']}{path}"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    who = "registry"

    def log_message(self, *_):
        pass

    def log_request(self, *_):
        pass

    def note(self, sent):
        with LOCK, open(sys.argv[1], "a") as log:
            log.write(f"{self.who} {self.command} {self.path} {sent} {self.headers.get('Authorization', '-')}\n")

    def reply(self, status, body=b"", **headers):
        self.note(len(body))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def fail(self, status, code, message, **headers):
        self.reply(status, dump({"errors": [{"code": code, "message": message}]}), Content_Type="application/json", **headers)

    def body(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            data = b""
            while size := int(self.rfile.readline(), 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return data
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def origin(self):
        return f"{'https' if isinstance(self.connection, ssl.SSLSocket) else 'http'}://{self.headers['Host']}"

    # Authentication: basic for "basic", a token for the repositories "token" and "identity".
    def is_allowed(self, mode):
        given = self.headers.get("Authorization", "")
        basic = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        realm = f"{self.origin()}/token"
        if mode == "basic" or (mode == "ping" and self.who == "registry"):
            if given == basic:
                return True
            self.fail(401, "UNAUTHORIZED", "who are you?", WWW_Authenticate='Basic realm="test"')
            return False
        realms = {"token": realm, "identity": realm, "realm-elsewhere": foreign("/token").replace("http://localhost", "https://localhost"),
                  "realm-http": foreign("/token"), "realm-file": "file:///etc/passwd", "token-loop": realm, "huge-token": realm,
                  "token-newline": realm, "token-garbage": realm, "endless-token": realm}
        if mode not in realms:
            return True
        if given == "Bearer good-token" and mode != "token-loop":
            return True
        self.fail(401, "UNAUTHORIZED", "a token is needed", WWW_Authenticate=f'Bearer realm="{realms[mode]}",service="test",scope="repository:{mode}:pull"')
        return False

    def token(self):
        query = urllib.parse.parse_qs(urllib.parse.urlparse(self.path).query or self.body().decode())
        scope = " ".join(query.get("scope", []))
        basic = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        known = self.headers.get("Authorization") == basic or query.get("refresh_token") == [IDENTITY]
        if "huge-token" in scope:
            return self.reply(200, dump({"token": "x" * (2 << 20)}))
        if "endless-token" in scope:
            return self.endless()
        if "token-newline" in scope:
            return self.reply(200, dump({"token": "x\r\nX-Injected: yes"}))
        if "token-garbage" in scope:
            return self.reply(200, b"<html>")
        if "token-loop" in scope or known:
            return self.reply(200, dump({"token": "good-token", "expires_in": 300}))
        return self.fail(401, "UNAUTHORIZED", "wrong name or password")

    def endless(self):
        self.note(-1)
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while True:
            self.wfile.write(b"10000\r\n" + b" " * 0x10000 + b"\r\n")

    def slowly(self, data, status=200):
        self.note(len(data))
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        for byte in data:
            self.wfile.write(bytes([byte]))
            time.sleep(0.2)

    def cut(self, data, after):
        """Says that all comes, and hangs up before."""
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[:after])
        self.wfile.flush()
        self.note(after)
        self.connection.shutdown(socket.SHUT_RDWR)

    def redirect(self, where, status=307):
        self.reply(status, Location=where)

    def do_GET(self):
        try:
            self.route()
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            self.close_connection = True

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def route(self):
        path = urllib.parse.urlparse(self.path).path
        if self.who == "foreign":
            return self.reply(200, LAYER_BYTES if path == "/layer" else dump({"token": "good-token"}))
        if path == "/token":
            return self.token()
        if path == "/v2/":
            return self.is_allowed("ping") and self.reply(200, b"{}")
        if path == "/v1/search":
            return self.search()
        parts = path.split("/")
        if len(parts) < 5 or parts[1] != "v2":
            return self.fail(404, "NOT_FOUND", "nothing here")
        mode = parts[2]
        if not self.is_allowed(mode):
            return None
        if "uploads" in parts:
            return self.upload(mode)
        if parts[-2] == "manifests":
            return self.manifest(mode, parts[-1])
        if parts[-2] == "blobs":
            return self.blob(mode, parts[-1])
        if parts[-2] == "tags":
            return self.tags(mode)
        return self.fail(404, "NOT_FOUND", "nothing here")

    def search(self):
        rows = [{"name": "library/good", "description": "A good image", "star_count": 7, "is_official": True, "is_automated": False},
                {"name": "team/evil\x1b[2J", "description": "clears\x1b[2J the screen\nand adds a line", "star_count": 1}]
        return self.reply(200, dump({"num_results": len(rows), "results": rows}))

    def tags(self, mode):
        page = int(urllib.parse.parse_qs(urllib.parse.urlparse(self.path).query).get("page", ["0"])[0])
        if mode == "endless-tags":
            return self.reply(200, dump({"tags": [f"t{page}"]}), Link=f'<{self.path.split("?")[0]}?page={page + 1}>; rel="next"')
        if mode == "looping-tags":
            return self.reply(200, dump({"tags": ["t"]}), Link=f'<{self.path.split("?")[0]}>; rel="next"')
        if mode == "foreign-tags":
            return self.reply(200, dump({"tags": ["t"]}), Link=f'<{foreign("/tags")}>; rel="next"')
        if page == 0:
            return self.reply(200, dump({"name": mode, "tags": ["1"]}), Link=f'<{self.path.split("?")[0]}?page=1>; rel="next"')
        return self.reply(200, dump({"name": mode, "tags": ["2"]}))

    def manifest(self, mode, reference):
        if self.command == "PUT":
            data = self.body()
            if mode == "referrers": # of distribution 1.1
                subject = json.loads(data).get("subject")
                return self.reply(201, Docker_Content_Digest=digest(data), **({"OCI_Subject": subject["digest"]} if subject else {}))
            return self.reply(201, Docker_Content_Digest="sha256:" + "0" * 64 if mode == "lying-store" else digest(data))
        if reference.startswith("sha256-"):  # nobody has put a list of referrers here
            return self.fail(404, "MANIFEST_UNKNOWN", "manifest unknown")
        data = dump(MANIFESTS[mode]() if mode in MANIFESTS else GOOD_MANIFEST)
        if mode == "list-of-lists" and reference.startswith("sha256:"):
            data = dump(INNER_LIST)
        simple = {
            "endless-manifest": self.endless, "drip-manifest": lambda: self.slowly(data),
            "redirect-loop": lambda: self.redirect(self.path), "redirect-file": lambda: self.redirect("file:///etc/passwd"),
            "redirect-unix": lambda: self.redirect("unix:///run/docker.sock"),
            "redirect-metadata": lambda: self.redirect("http://169.254.169.254/latest/meta-data/"),
            "redirect-http": lambda: self.redirect(foreign("/layer")), "redirect-userinfo": lambda: self.redirect("http://u:p@localhost/"),
            "server-error": lambda: self.fail(500, "UNKNOWN", "it hurts"), "gone": lambda: self.fail(404, "MANIFEST_UNKNOWN", "manifest unknown"),
            "rate-limit": lambda: self.fail(429, "TOOMANYREQUESTS", "slow down", Retry_After="1000000000"),
            "denied": lambda: self.fail(403, "DENIED", "not for you"),
            "huge-error": lambda: self.fail(400, "X", "x" * (3 << 20)), "html": lambda: self.reply(200, b"<html></html>", Content_Type="text/html"),
            "huge-header": lambda: self.reply(200, data, X_Long="x" * 100_000),
            "many-headers": lambda: self.reply(200, data, **{f"X_{n}": "y" for n in range(20_000)}),
            "wrong-media-type": lambda: self.reply(200, data, Content_Type=INDEX),
            "lying-header": lambda: self.reply(200, data, Content_Type=MANIFEST, Docker_Content_Digest="sha256:" + "0" * 64),
            "path-header": lambda: self.reply(200, data, Content_Type=MANIFEST, Docker_Content_Digest="../../etc/x"),
            "gzip-encoding": lambda: self.reply(200, gzip.compress(b" " * (50 << 20)), Content_Type=MANIFEST, Content_Encoding="gzip"),
            "bad-challenge": lambda: self.fail(401, "UNAUTHORIZED", "no", WWW_Authenticate='Bearer realm="x'),
            "deep-json": lambda: self.reply(200, b"[" * 1_000_000), "two-lengths": self.two_lengths, "smuggling": self.smuggling,
            "not-http": lambda: self.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n") and self.connection.shutdown(socket.SHUT_RDWR),
            "duplicate-keys": lambda: self.reply(200, data[:-1] + b', "layers": []}', Content_Type=MANIFEST),
            "flaky": lambda: self.flaky(data),
        }
        if mode in simple:
            return simple[mode]()
        kind = json.loads(data).get("mediaType", MANIFEST)
        return self.reply(200, data, Content_Type=kind, Docker_Content_Digest=digest(data))

    def flaky(self, data):
        with LOCK:
            STATE["tries"]["flaky"] = STATE["tries"].get("flaky", 0) + 1
            bad = STATE["tries"]["flaky"] % 2 == 1
        if bad:
            return self.fail(503, "UNAVAILABLE", "once more, please", Retry_After="0")
        return self.reply(200, data, Content_Type=MANIFEST)

    def two_lengths(self):
        self.note(0)
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 50\r\n\r\nhello")
        self.connection.shutdown(socket.SHUT_RDWR)

    def smuggling(self):
        self.note(0)
        self.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nhello\r\n0\r\n\r\n")
        self.connection.shutdown(socket.SHUT_RDWR)

    def blob(self, mode, name):
        if self.command == "HEAD":
            known = {CONFIG_DIGEST, LAYER_DIGEST} if mode == "good" else set()
            return self.reply(200 if name in known else 404)
        data = {CONFIG_DIGEST: CONFIG_BYTES, LAYER_DIGEST: LAYER_BYTES}.get(name)
        if data is None:
            return self.fail(404, "BLOB_UNKNOWN", "blob unknown")
        if name == CONFIG_DIGEST:
            if mode == "wrong-config":
                return self.reply(200, data.replace(b"hello", b"jello"))
            return self.reply(200, data)
        return self.layer(mode, data)

    def layer(self, mode, data):
        start = 0
        if (wanted := self.headers.get("Range", "")).startswith("bytes="):
            start = int(wanted[6:].split("-")[0])
        middle = len(data) // 2
        first = start == 0
        if mode == "wrong-digest":
            return self.reply(200, data[:-1] + bytes([data[-1] ^ 1]))
        if mode == "long-body":
            return self.reply(200, data + b"more")
        if mode == "short-body":
            return self.reply(200, data[:-10])
        if mode == "endless-body":
            return self.endless()
        if mode == "drip-body":
            return self.slowly(data)
        if mode == "slow":
            return self.in_pieces(data, start)
        if mode == "redirect-layer":
            return self.redirect(foreign("/layer"))
        if mode == "gzip-bomb":
            return self.reply(200, data)
        if mode in ("resume", "cut-once", "no-ranges") and first:
            with LOCK:
                STATE["tries"][mode] = STATE["tries"].get(mode, 0) + 1
                cut = mode != "cut-once" or STATE["tries"][mode] == 1
            if cut and mode != "no-ranges" or STATE["tries"][mode] == 1:
                return self.cut(data, middle)
        if mode == "cut-always":
            return self.cut(data[start:], 1000) if first else self.fail(503, "X", "no more")
        if mode == "other-content" and not first:
            data = bytes(len(data))
        if mode == "other-content" and first:
            return self.cut(data, middle)
        if mode == "other-range":
            return self.cut(data, middle) if first else self.ranged(data, start, start - 100)
        if start and mode != "no-ranges":
            return self.ranged(data, start, start)
        return self.reply(200, data)

    def in_pieces(self, data, start):
        """Over a second or so."""
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(data) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        self.note(len(data) - start)
        for at in range(start, len(data), 256 << 10):
            self.wfile.write(data[at:at + (256 << 10)])
            time.sleep(0.05)

    def ranged(self, data, start, said):
        body = data[start:]
        return self.reply(206, body, Content_Range=f"bytes {said}-{len(data) - 1}/{len(data)}")

    # Uploads, kept in memory.
    def pieces(self):
        """The body, as it comes."""
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return
        left = int(self.headers.get("Content-Length", 0))
        while left > 0:
            piece = self.rfile.read(min(left, 1 << 16))
            left -= len(piece)
            yield piece

    def receive(self, have, most):
        """Adds the body to `have`; False when `most` bytes have come: then the connection ends here."""
        before = len(have)
        for piece in self.pieces():
            have += piece
            if len(have) - before >= most:
                del have[before + most:]
                self.note(len(have) - before)
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return False
        return True

    def progress(self, status, place, have, **headers):
        self.reply(status, Location=place, Range=f"0-{max(0, len(have) - 1)}", **headers)

    def resumable(self, mode):
        """A registry with sessions that break off: after a megabyte ("cut"), and again within a piece ("half"); that has forgotten
        the session then ("forgets"); that wants lengths ("lengths"); that is busy at first ("busy"); that never works ("never")."""
        kind = mode.removeprefix("session-")
        path = urllib.parse.urlparse(self.path)
        if self.command == "POST":
            with LOCK:
                STATE["uploads"][mode] = number = STATE["uploads"].get(mode, 0) + 1
                STATE["uploads"][mode, number] = bytearray()
            self.body()
            return self.progress(202, f"/v2/{mode}/x/blobs/uploads/{number}", b"")
        place = path.path
        have = STATE["uploads"][mode, int(place.split("/")[-1])]
        if self.command == "GET":
            return self.fail(404, "BLOB_UPLOAD_UNKNOWN", "forgotten") if kind == "forgets" else self.progress(204, place, have)
        if self.command == "PUT":
            self.receive(have, 1 << 40)
            wanted = urllib.parse.parse_qs(path.query).get("digest", [""])[0]
            right = digest(bytes(have)) == wanted
            return self.reply(201, Docker_Content_Digest=wanted) if right else self.fail(400, "DIGEST_INVALID", "other bytes came")
        if self.command != "PATCH":
            return self.reply(204)
        part = self.headers.get("Content-Range")
        if part and int(part.split("-")[0]) != len(have):
            self.body()
            return self.progress(416, place, have)
        if kind == "lengths" and "Content-Length" not in self.headers:
            return self.fail(411, "SIZE_INVALID", "how long?", Connection="close")
        with LOCK:
            STATE["tries"][mode] = tries = STATE["tries"].get(mode, 0) + 1
        if kind == "busy" and tries == 1:
            return self.fail(503, "UNAVAILABLE", "later", Retry_After="1", Connection="close")
        most = {"cut": [1 << 20], "forgets": [1 << 20], "half": [1 << 20, 3 << 20], "never": [1 << 20] * 99}.get(kind, [])
        if tries <= len(most) and not self.receive(have, most[tries - 1]):
            return None
        before = len(have)
        self.receive(have, 1 << 40)
        self.note(len(have) - before)
        return self.progress(202, place, have)

    def upload(self, mode):
        if mode.startswith("session-"):
            return self.resumable(mode)
        path = urllib.parse.urlparse(self.path)
        data = self.body()
        place = f"/v2/{mode}/x/blobs/uploads/1"
        if self.command == "POST":
            where = {"upload-elsewhere": foreign("/upload"), "upload-metadata": "http://169.254.169.254/", "upload-file": "file:///etc/passwd",
                     "upload-smaller-port": f"http://127.0.0.1:1{place}"}.get(mode, place)
            if mode == "upload-redirect":
                return self.redirect(foreign("/upload"))
            return self.reply(202, Location=where)
        if mode == "upload-denied":
            return self.fail(403, "DENIED", "read only")
        if self.command == "PATCH":
            return self.reply(202, Location=place)
        wanted = urllib.parse.parse_qs(path.query).get("digest", [""])[0]
        return self.reply(201, Docker_Content_Digest="sha256:" + "0" * 64 if mode == "upload-lie" else wanted, X_Got=str(len(data)))


class Foreign(Handler):
    who = "foreign"


def serve(handler, tls=None):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def main():
    tls = sys.argv[3:5] if len(sys.argv) > 2 and sys.argv[2] == "--tls" else None
    STATE["foreign"] = serve(Foreign)
    ports = [serve(Handler), STATE["foreign"], serve(Handler, tls) if tls else 0]
    print(*ports, flush=True)
    threading.Event().wait()


main()
