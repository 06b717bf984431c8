import Testing

/// The tickets of a TLS 1.3 handshake go with the answer to a request that came along with the client's last flight,
/// and at once where no whole request did.
@Suite("When tickets are sent", .patient)
struct TicketTimingTests {
    @Test("behind nothing, a part of a record, of a head or of a body, and a whole request")
    func timing() throws {
        let app = try ScriptedServer { peer in
            while let request = try peer.request() { try peer.answer("app \(request.body.count)") }
        }
        let front = try SecureGateway([.init(app)])
        let result = try python(
            TLSScripts.prelude + """
                made = context(ssl.TLSVersion.TLSv1_3)

                def heard(wire, enough):
                    # What the gateway says until it is enough or nothing comes any more.
                    plain = b""
                    wire.raw.settimeout(60)
                    while not enough(plain):
                        try:
                            part = wire.raw.recv(65536)
                        except TimeoutError:
                            break
                        if not part:
                            break
                        wire.incoming.write(part)
                        try:
                            while True:
                                plain += wire.tls.read(65536)
                        except ssl.SSLWantReadError:
                            pass
                    return plain

                def case(name, request, first):
                    wire = Wire(made)
                    wire.raw.sendall(wire.flight())
                    last = b""
                    while not last:
                        wire.answer()
                        last = wire.flight()
                    assert wire.done
                    sealed = b"".join(wire.seal(part) for part in request)
                    first = len(wire_prefix(sealed, first))
                    wire.raw.sendall(last + sealed[:first])
                    has_ticket = lambda: wire.tls.session is not None and wire.tls.session.has_ticket
                    if first < len(sealed):
                        heard(wire, lambda plain: has_ticket())
                        alone = has_ticket()
                        wire.raw.sendall(sealed[first:])
                    else:
                        alone = None
                    answer = heard(wire, lambda plain: b"app" in plain)
                    again = Wire(made, wire.tls.session).shake_hands()
                    print(name, alone, answer[:15].decode(), again.tls.session_reused, sep="|", flush=True)

                def wire_prefix(sealed, records):
                    # So many records, and with a fraction a part of the next.
                    end = 0
                    while records >= 1 and end < len(sealed):
                        end += 5 + int.from_bytes(sealed[end + 3:end + 5], "big")
                        records -= 1
                    return sealed[:end + (10 if records else 0)]

                head = b"GET / HTTP/1.1\\r\\nHost: foobar.test\\r\\n\\r\\n"
                post = b"POST / HTTP/1.1\\r\\nHost: foobar.test\\r\\nContent-Length: 5\\r\\n\\r\\n"
                case("nothing", [head], 0)
                case("a part of a record", [head], 0.5)
                case("a part of a head", [head[:20], head[20:]], 1)
                case("a head and a part of a record", [head[:20], head[20:]], 1.5)
                case("a part of a body", [post + b"he", b"llo"], 1)
                case("a whole request", [head], 1)
                """,
            ["\(front.secure)"],
            in: front.directory
        )
        #expect(result.status == 0, "\(result.error)")
        #expect(
            result.output.split(separator: "\n") == [
                "nothing|True|HTTP/1.1 200 OK|True",
                "a part of a record|True|HTTP/1.1 200 OK|True",
                "a part of a head|True|HTTP/1.1 200 OK|True",
                "a head and a part of a record|True|HTTP/1.1 200 OK|True",
                "a part of a body|True|HTTP/1.1 200 OK|True",
                "a whole request|None|HTTP/1.1 200 OK|True",
            ]
        )
    }
}
