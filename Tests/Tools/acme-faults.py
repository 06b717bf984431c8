#!/usr/bin/env python3
"""A proxy in front of an ACME server that lacks what real ones have, and that goes wrong when it is told to.

    acme-faults.py PORT BACKEND-PORT CERTIFICATE KEY ORDERS LOG

ORDERS is a JSON file, read again at each request:

    profiles: {NAME: TEXT}                 offered in the directory
    caa: [NAME]                            how CAA records call the CA, as its directory says
    renewal: {start, end, explanationURL}  answers to renewal information (RFC 9773); its directory entry with it
    renewal-retry: TEXT                    their Retry-After
    faults: [{path, times, after, has, status, headers, body, hang, cut}]

A fault holds for requests whose path begins with `path` and whose payload has a member `has`, from the one after the
first `after` on, `times` times: it is answered with `status`, `headers` and `body`; or not at all (`hang`); or with the
first `cut` bytes of the right answer. LOG gets a line of JSON for each request: method, path, the protected header and
the payload of its JWS, and the status of the answer.
"""

import base64
import http.client
import http.server
import json
import ssl
import sys
import threading
import time

PORT, BACKEND, CERTIFICATE, KEY, ORDERS, LOG = sys.argv[1:]
lock = threading.Lock()
seen = {}


def decoded(text):
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    return json.loads(raw) if raw else ""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        self.serve()

    def do_HEAD(self):
        self.serve()

    def do_POST(self):
        self.serve()

    def serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        entry = {"method": self.command, "path": self.path, "header": {}, "payload": ""}
        try:
            jws = json.loads(body)
            entry["header"] = decoded(jws["protected"])
            entry["payload"] = decoded(jws["payload"])
        except (ValueError, KeyError):
            pass
        with open(ORDERS) as file:
            orders = json.load(file)
        fault = self.fault(orders, entry)
        if fault and fault.get("hang"):
            self.note(entry, 0)
            time.sleep(600)
            return
        if fault and "status" in fault:
            self.answer(entry, fault["status"], fault.get("headers", {}), json.dumps(fault.get("body", {})).encode())
            return
        if self.path.startswith("/renewal-info/"):
            headers = {"Retry-After": orders["renewal-retry"]} if "renewal-retry" in orders else {}
            answer = {"suggestedWindow": {k: orders["renewal"][k] for k in ("start", "end")}}
            if "explanationURL" in orders["renewal"]:
                answer["explanationURL"] = orders["renewal"]["explanationURL"]
            self.answer(entry, 200, headers, json.dumps(answer).encode())
            return
        status, headers, content = self.forward(body)
        if self.path == "/dir":
            directory = json.loads(content)
            if "renewal" in orders:
                directory["renewalInfo"] = f"https://{self.headers['Host']}/renewal-info"
            if "caa" in orders:
                directory["meta"]["caaIdentities"] = orders["caa"]
            if "profiles" in orders:
                directory["meta"]["profiles"] = orders["profiles"]
            content = json.dumps(directory).encode()
        if fault and "cut" in fault:
            content = content[: fault["cut"]]
        self.answer(entry, status, headers, content)

    def fault(self, orders, entry):
        for index, fault in enumerate(orders.get("faults", [])):
            if not self.path.startswith(fault["path"]):
                continue
            if "has" in fault and not (isinstance(entry["payload"], dict) and fault["has"] in entry["payload"]):
                continue
            with lock:
                key = (index, json.dumps(fault, sort_keys=True))
                seen[key] = seen.get(key, 0) + 1
                count = seen[key] - fault.get("after", 0)
            if 1 <= count <= fault.get("times", 1):
                return fault
        return None

    def forward(self, body):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        connection = http.client.HTTPSConnection("127.0.0.1", int(BACKEND), context=context, timeout=60)
        headers = {"Host": self.headers["Host"], "User-Agent": "acme-faults"}
        if self.headers.get("Content-Type"):
            headers["Content-Type"] = self.headers["Content-Type"]
        connection.request(self.command, self.path, body or None, headers)
        answer = connection.getresponse()
        content = answer.read()
        kept = {}
        for name, value in answer.getheaders():
            if name.lower() in ("replay-nonce", "location", "content-type", "retry-after"):
                kept[name] = value
            if name.lower() == "link":
                kept.setdefault("Link", []).append(value)
        connection.close()
        return answer.status, kept, content

    def note(self, entry, status):
        entry["status"] = status
        with lock, open(LOG, "a") as file:
            file.write(json.dumps(entry) + "\n")

    def answer(self, entry, status, headers, content):
        self.note(entry, status)
        self.send_response(status)
        for name, value in headers.items():
            for item in value if isinstance(value, list) else [value]:
                self.send_header(name, item)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


server = http.server.ThreadingHTTPServer(("127.0.0.1", int(PORT)), Handler)
server.daemon_threads = True
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(CERTIFICATE, KEY)
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
server.serve_forever()
