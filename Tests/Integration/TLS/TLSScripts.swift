/// Python that holds a TLS connection in memory, so that what goes over the wire can be cut or joined anywhere.
enum TLSScripts {
    static let prelude = """
        import random, socket, ssl, struct, sys, time
        PORT = int(sys.argv[1])

        def context(version=None, protocols=("http/1.1",)):
            made = ssl.create_default_context()
            made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
            made.set_alpn_protocols(list(protocols))
            if version:
                made.minimum_version = made.maximum_version = version
            return made

        class Wire:
            def __init__(self, made, session=None):
                self.raw = socket.create_connection(("127.0.0.1", PORT), 60)
                self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
                self.tls = made.wrap_bio(
                    self.incoming, self.outgoing, server_hostname="foobar.test", session=session)

            def flight(self):
                # What the client says next in its handshake, not yet sent; nothing once it is done.
                try:
                    self.tls.do_handshake()
                    self.done = True
                except ssl.SSLWantReadError:
                    self.done = False
                return self.outgoing.read()

            def answer(self):
                part = self.raw.recv(65536)
                assert part, "closed in the handshake"
                self.incoming.write(part)

            def shake_hands(self):
                flight = self.flight()
                while True:
                    if flight:
                        self.raw.sendall(flight)
                    if self.done:
                        return self
                    self.answer()
                    flight = self.flight()

            def seal(self, data):
                self.tls.write(data)
                return self.outgoing.read()

        def all_closed(wires, within=60):
            # Each is closed in time, and is told nothing that looks like an answer.
            end = time.monotonic() + within
            for name, wire in wires:
                wire.raw.settimeout(max(0.1, end - time.monotonic()))
                try:
                    while part := wire.raw.recv(65536):
                        wire.incoming.write(part)
                        try:
                            plain = wire.tls.read(65536)
                            assert b" 200 " not in plain, (name, plain)
                        except (ssl.SSLError, ValueError):
                            pass
                except TimeoutError:
                    raise SystemExit(f"{name}: still open")
                except OSError:
                    pass
                wire.raw.close()

        """
}
