import Testing

/// What metrics say of handshakes that do not come about.
@Suite("Handshakes that fail", .patient)
struct HandshakeFailureTests {
    @Test("are counted under their reason")
    func reasons() throws {
        let metrics = try Metrics()
        let directory = try TemporaryDirectory()
        let authority = try TestCertificate("authority", names: ["clients.test"], in: directory)
        let front = try SecureGateway(
            [.init(try ScriptedServer.named("app"))],
            tls: "client-certificates: { ca: \(authority.certificatePath), mode: require }",
            gateway: ["timeouts: { client-hs: 60s }", metrics.setting],
            in: directory
        )
        func reaches(_ reason: String) throws {
            try metrics.reaches("gatehouse_tls_handshake_failures_total{reason=\"\(reason)\"}")
        }
        _ = try front.curl(host: "other.test")
        try reaches("unrecognized-name")
        _ = try front.curl()
        try reaches("client-certificate-missing")
        let foreign = try TestCertificate("foreign", names: ["foreign.test"], in: directory)
        _ = try front.curl("--cert", foreign.certificatePath, "--key", foreign.keyPath)
        try reaches("peer-certificate-invalid")
        let plain = try Socket.connect(to: front.secure)
        try plain.write("GET / HTTP/1.1\r\nHost: foobar.test\r\n\r\n")
        try reaches("plain-http")
        let failed = "gatehouse_tls_handshakes_total{result=\"failed\"}"
        #expect(try metrics.value("gatehouse_tls_handshake_failures_total") == metrics.value(failed))
    }

    @Test("so is a client that says nothing")
    func timeout() throws {
        let metrics = try Metrics()
        let front = try SecureGateway(
            [.init(try ScriptedServer.named("app"))],
            gateway: ["timeouts: { client-hs: 200ms }", metrics.setting]
        )
        let silent = try Socket.connect(to: front.secure)
        try metrics.reaches("gatehouse_tls_handshake_failures_total{reason=\"timeout\"}")
        silent.close()
    }
}
