import Testing

/// `crl`: clients whose certificates their CA has taken back.
@Suite("Revoked client certificates", .patient)
struct ClientRevocationTests {
    private let directory: TemporaryDirectory
    private let authority: ClientAuthority
    private let metrics: Metrics
    private var list: String { directory.path("clients.crl") }

    init() throws {
        directory = try TemporaryDirectory()
        authority = try ClientAuthority("authority", in: directory)
        metrics = try Metrics()
    }

    private func front() throws -> SecureGateway {
        try SecureGateway(
            [.init(try ScriptedServer.named("app"))],
            tls: "client-certificates: { ca: \(authority.certificatePath), crl: \(list) }",
            gateway: [metrics.setting],
            in: directory
        )
    }

    /// Whether a request of this client is answered.
    private func isServed(
        _ client: ClientAuthority.Client,
        by front: SecureGateway,
        _ options: String...
    ) throws -> Bool {
        try TLSSession(port: front.secure, client.options + options, in: directory).result.output
            .contains("HTTP/1.1 200")
    }

    private func reaches(_ reason: String, _ count: Double) throws {
        try metrics.reaches("gatehouse_tls_handshake_failures_total{reason=\"\(reason)\"}", count)
    }

    @Test("are refused, and so are those of a new list after a reload, who had been let in before")
    func revoked() throws {
        let (alice, bob, carol) = (
            try authority.client("alice"), try authority.client("bob"), try authority.client("carol")
        )
        try authority.revoke(bob)
        try authority.writeList(to: list)
        let front = try front()
        for version in ["-tls1_2", "-tls1_3"] {
            #expect(try isServed(alice, by: front, version, "-sess_out", directory.path("ticket\(version)")))
            #expect(try !isServed(bob, by: front, version))
        }
        try reaches("client-certificate-revoked", 2)
        for version in ["-tls1_2", "-tls1_3"] {
            let options = alice.options + [version, "-sess_in", directory.path("ticket\(version)")]
            let again = try TLSSession(port: front.secure, options, in: directory)
            #expect(again.isResumed && again.result.output.contains("HTTP/1.1 200"))
        }

        try authority.revoke(alice)
        try authority.writeList(to: list)
        let reload = try front.gateway.command("reload")
        #expect(reload.status == 0, "\(reload)")
        for version in ["-tls1_2", "-tls1_3"] {
            #expect(try !isServed(alice, by: front, version, "-sess_in", directory.path("ticket\(version)")))
        }
        try reaches("client-certificate-revoked", 4)
        #expect(try isServed(carol, by: front))
    }

    @Test("a list that has ended lets nobody in, and is told of; one by another CA is not taken, nor is none")
    func lists() throws {
        let alice = try authority.client("alice")
        try authority.writeList(to: list)
        let front = try front()
        let end = "gatehouse_client_revocation_list_end_timestamp_seconds{port=\"\(front.secure)\"}"
        #expect(try metrics.value(end) > 1_700_000_000)

        // The running configuration goes on.
        try ClientAuthority("other", in: directory).writeList(to: list)
        let foreign = try front.gateway.command("reload")
        #expect(foreign.status == 2 && foreign.error.contains("is signed by none of the CAs in `ca`"), "\(foreign)")
        try directory.write("", to: "clients.crl")
        let empty = try front.gateway.command("reload")
        #expect(empty.status == 2 && empty.error.contains("BEGIN X509 CRL"), "\(empty)")
        try authority.writeChanges(to: list)
        let changes = try front.gateway.command("reload")
        #expect(changes.status == 2 && changes.error.contains("is a delta: give the whole list"), "\(changes)")
        #expect(try isServed(alice, by: front))

        try authority.writeList(
            to: list,
            ["-crl_lastupdate", "20200101000000Z", "-crl_nextupdate", "20200201000000Z"]
        )
        let words = "a list of revoked certificates ended at 2020-02-01T00:00:00Z"
        let check = try run(Gateway.binary, ["check", "--site", directory.path("site.yaml")], in: directory)
        #expect(check.status == 0 && check.error.contains(words), "\(check)")
        #expect(try front.gateway.command("reload").status == 0)
        #expect(front.gateway.log.contains(words))
        #expect(try metrics.value(end) == 1_580_515_200)
        #expect(try !isServed(alice, by: front))
        try reaches("revocation-list-expired", 1)

        try authority.writeList(to: list)
        #expect(try front.gateway.command("reload").status == 0)
        #expect(try isServed(alice, by: front))
    }
}
