#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An HTTP proxy for tests. Whatever host is asked for, it connects to 127.0.0.1 and the port; so names that nobody else knows reach
the test's registry through it only. Every request becomes one line of the log: METHOD TARGET AUTHORIZATION. Prints its port.

usage: proxy_server.py LOG [USER:PASSWORD]
"""
import base64
import socket
import socketserver
import sys
import threading
import urllib.parse


def pump(source, sink):
    try:
        while data := source.recv(1 << 16):
            sink.sendall(data)
    except OSError:
        pass
    try:
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


class Handler(socketserver.StreamRequestHandler):
    rbufsize = 0

    def handle(self):
        while self.one_request():
            pass

    def one_request(self):
        request = self.rfile.readline().decode("latin-1").split()
        if len(request) != 3:
            return False
        headers = []
        while (line := self.rfile.readline().decode("latin-1").strip()):
            headers.append(line)
        given = next((h.split(":", 1)[1].strip() for h in headers if h.lower().startswith("proxy-authorization:")), "-")
        with open(sys.argv[1], "a", encoding="utf-8") as log:
            log.write(f"{request[0]} {request[1]} {given}\n")
        if len(sys.argv) > 2 and given != "Basic " + base64.b64encode(sys.argv[2].encode()).decode():
            self.wfile.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"p\"\r\nContent-Length: 0\r\n\r\n")
            return True
        if request[0] == "CONNECT":
            port = int(request[1].rsplit(":", 1)[1])
            with socket.create_connection(("127.0.0.1", port)) as server:
                self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                threading.Thread(target=pump, args=(server, self.connection), daemon=True).start()
                pump(self.connection, server)
            return False
        url = urllib.parse.urlparse(request[1])
        path = url.path + ("?" + url.query if url.query else "")
        with socket.create_connection(("127.0.0.1", url.port or 80)) as server:
            kept = [h for h in headers if not h.lower().startswith(("proxy-", "connection:"))]
            server.sendall("\r\n".join([f"{request[0]} {path} {request[2]}", *kept, "Connection: close", "", ""]).encode("latin-1"))
            threading.Thread(target=pump, args=(self.connection, server), daemon=True).start()
            pump(server, self.connection)
        return False


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


with Server(("127.0.0.1", 0), Handler) as proxy:
    print(proxy.server_address[1], flush=True)
    proxy.serve_forever()
