import Testing

@testable import OpenSSL

@Suite struct TicketTests {
    private let ca = TestCA.shared

    /// Gets a ticket from one context and shows it to another.
    private func resumes(
        _ version: TLSVersion,
        from first: TLSContext,
        at second: TLSContext,
        name: String = "foobar.com",
        as other: String? = nil
    ) throws -> Bool {
        let client = try Make.client(version)
        let ticket = try #require(try Loopback(first, client, name: name).handshake().ticket)
        let pair = try Loopback(second, client, name: other ?? name, resuming: ticket).handshake()
        #expect(pair.isDone, "\(pair.serverProgress) \(pair.clientProgress)")
        return pair.server.isResumed
    }

    @Test(arguments: [TLSVersion.tls12, .tls13])
    func resumptionAcrossWorkers(version: TLSVersion) throws {
        let bundle = try ca.server("foobar.com")
        let keys = try TicketKeys()
        let first = try Make.server([bundle], keys: keys)
        #expect(try resumes(version, from: first, at: Make.server([bundle], keys: keys)))
        #expect(try !resumes(version, from: first, at: Make.server([bundle], keys: TicketKeys())))
        #expect(try !resumes(version, from: Make.server([bundle]), at: first))
    }

    @Test(arguments: [TLSVersion.tls12, .tls13])
    func rotation(version: TLSVersion) throws {
        let bundle = try ca.server("foobar.com")
        let keys = try TicketKeys()
        let once = try keys.rotated()
        let twice = try once.rotated()
        let first = try Make.server([bundle], keys: keys)
        #expect(try resumes(version, from: first, at: Make.server([bundle], keys: once)))
        #expect(try !resumes(version, from: first, at: Make.server([bundle], keys: twice)))
        // One that has rotated already is understood by one that has not.
        #expect(try resumes(version, from: Make.server([bundle], keys: once), at: first))
    }

    @Test func serializedKeysAreTheSame() throws {
        let bundle = try ca.server("foobar.com")
        let keys = try TicketKeys()
        let bytes = keys.serialized
        guard let copy = TicketKeys(serialized: bytes.bytes) else { throw Unexpected() }
        #expect(try resumes(.tls13, from: Make.server([bundle], keys: keys), at: Make.server([bundle], keys: copy)))
        let short = TicketKeys(serialized: bytes.bytes.extracting(1...))
        #expect(short == nil)
    }

    @Test(arguments: [TLSVersion.tls12, .tls13])
    func aTicketNeverCrossesHosts(version: TLSVersion) throws {
        let server = try Make.server(
            [ca.server("foobar.com", "*.foobar.com"), ca.server("example.com")],
            keys: TicketKeys(),
            unknown: .serve(first: 1)
        )
        #expect(try resumes(version, from: server, at: server, name: "example.com"))
        #expect(try resumes(version, from: server, at: server, name: "a.foobar.com"))
        for (name, other) in [
            ("foobar.com", "example.com"), ("example.com", "foobar.com"), ("a.foobar.com", "b.foobar.com"),
            ("foobar.com", "unknown.org"), ("unknown.org", "foobar.com"),
        ] {
            #expect(try !resumes(version, from: server, at: server, name: name, as: other), "\(name) at \(other)")
        }
    }

    @Test(arguments: [TLSVersion.tls12, .tls13])
    func aTicketNeverPassesClientCertificates(version: TLSVersion) throws {
        let bundle = try ca.server("foobar.com")
        let keys = try TicketKeys()
        let open = try Make.server([bundle], keys: keys)
        let closed = try Make.server([bundle], keys: keys) {
            $0.clientCertificates = .init(authorities: ca.rootPEM, mode: .require)
        }
        let client = try Make.client(version)
        let ticket = try #require(try Loopback(open, client, name: "foobar.com").handshake().ticket)
        let pair = try Loopback(closed, client, name: "foobar.com", resuming: ticket).handshake()
        #expect(pair.serverProgress.reason == .clientCertificateMissing)
    }

    @Test func aResumedSessionKeepsTheClientsSubject() throws {
        let server = try Make.server([ca.server("foobar.com")], keys: TicketKeys()) {
            $0.clientCertificates = .init(authorities: ca.rootPEM, mode: .require)
        }
        let client = try Make.client { $0.certificate = try? ca.client("alice") }
        let ticket = try #require(try Loopback(server, client, name: "foobar.com").handshake().ticket)
        let pair = try Loopback(server, client, name: "foobar.com", resuming: ticket).handshake()
        #expect(pair.server.isResumed)
        #expect(pair.server.peerSubject == "CN=alice")
    }
}
