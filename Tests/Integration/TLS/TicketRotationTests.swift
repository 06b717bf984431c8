import Testing

/// Keys of session tickets change by themselves while the gateway runs.
@Suite("Ticket keys", .patient)
struct TicketRotationTests {
    @Test("a ticket is taken for a while, and no longer when its key has gone")
    func rotate() throws {
        let front = try SecureGateway(
            [.init(try ScriptedServer.named("app"))],
            gateway: ["ticket-rotation: 2s"]
        )
        let file = front.directory.path("session")
        /// Two handshakes in a row, the second a resumption unless they are so far apart that a key has gone.
        func isTaken() throws -> Bool {
            let first = try TLSSession(port: front.secure, ["-sess_out", file], in: front.directory)
            #expect(first.succeeded && !first.isResumed, "\(first.text)")
            return try TLSSession(port: front.secure, ["-sess_in", file], in: front.directory).isResumed
        }
        try eventually("a ticket is taken") { try isTaken() }
        try eventually("the key has gone") {
            let later = try TLSSession(port: front.secure, ["-sess_in", file], in: front.directory)
            #expect(later.succeeded, "\(later.text)")
            return !later.isResumed
        }
        try eventually("tickets of the new key are taken") { try isTaken() }
    }

    @Test("a ticket of the key before is taken, one of the key before that is not")
    func previous() throws {
        let front = try SecureGateway(
            [.init(try ScriptedServer.named("app"))],
            gateway: ["ticket-rotation: 2s"],
            workers: 1
        )
        let result = try python(TLSScripts.prelude + Self.script, ["\(front.secure)"], in: front.directory)
        #expect(result.output == "previous: taken\nthe one before: not taken\n", "\(result.error)")
    }

    /// A ticket of TLS 1.2 goes over the wire in clear, and its first 16 bytes name its key (RFC 5077, section 4).
    private static let script = """
        made = context(ssl.TLSVersion.TLSv1_2)

        class Client(Wire):
            def answer(self):
                part = self.raw.recv(65536)
                assert part, "closed in the handshake"
                self.seen = getattr(self, "seen", b"") + part
                self.incoming.write(part)

            def key(self):
                messages, rest = b"", self.seen
                while rest[0] == 22:
                    length = int.from_bytes(rest[3:5], "big")
                    messages, rest = messages + rest[5:5 + length], rest[5 + length:]
                while messages[0] != 4:
                    messages = messages[4 + int.from_bytes(messages[1:4], "big"):]
                return messages[10:26]

        def shake(session=None):
            client = Client(made, session).shake_hands()
            client.raw.close()
            return client

        def key():
            return shake().key()

        end = time.monotonic() + 100
        is_taken = False
        # A machine that stands still for a whole rotation has missed a key: then once more.
        while not is_taken:
            assert time.monotonic() < end, "no ticket of the key before was taken"
            client = shake()
            first = client.key()
            while (second := key()) == first:
                time.sleep(0.05)
            is_taken = shake(client.tls.session).tls.session_reused and key() == second
        print("previous: taken")
        while key() in (first, second):
            time.sleep(0.05)
        print("the one before:", "taken" if shake(client.tls.session).tls.session_reused else "not taken")
        """
}
