import Testing

@testable import OpenSSL

@Suite struct ServerSettingsTests {
    @Test func modernRefusesTLS12() throws {
        let server = try Make.server([TestCA.shared.server("foobar.com")]) { $0.profile = .modern }
        #expect(try Loopback(server, Make.client(.tls13), name: "foobar.com").handshake().isDone)
        let old = try Loopback(server, Make.client(.tls12), name: "foobar.com").handshake()
        #expect(old.serverProgress.reason == .unsupportedVersion)
    }

    @Test func unknownGroupIsNamed() {
        var settings = TLSContext.ServerSettings()
        settings.groups = ["X25519", "nosuch"]
        let error = #expect(throws: OpenSSLError.self) { try TLSContext(server: settings) }
        #expect(error?.description.contains("nosuch") == true)
    }

    @Test(arguments: ["", String(repeating: "x", count: 256)])
    func unusableProtocolsAreRefused(name: String) {
        var settings = TLSContext.ServerSettings()
        settings.alpn = ["h2", name]
        #expect(throws: OpenSSLError.self) { try TLSContext(server: settings) }
    }

    @Test func groupsAreUsed() throws {
        let server = try Make.server([TestCA.shared.server("foobar.com")]) { $0.groups = ["P-384"] }
        #expect(try Loopback(server, Make.client(), name: "foobar.com").handshake().isDone)
    }

    @Test func noProtocolInCommon() throws {
        let client = try Make.client { $0.alpn = ["spdy/3"] }
        let pair = try Loopback(Make.server([TestCA.shared.server("foobar.com")]), client, name: "foobar.com")
            .handshake()
        #expect(pair.serverProgress.reason == .noSharedProtocol)
    }

    @Test(arguments: [TLSVersion.tls12, .tls13])
    func clientCertificates(version: TLSVersion) throws {
        let ca = TestCA.shared
        let bundle = try ca.server("foobar.com")
        let alice = try Make.client(version) { $0.certificate = try? ca.client("alice") }
        let stranger = try TestCA()
        let mallory = try Make.client(version) { $0.certificate = try? stranger.client("mallory") }
        for mode in TLSContext.ServerSettings.ClientCertificates.Mode.allCases {
            let server = try Make.server([bundle]) {
                $0.clientCertificates = .init(authorities: ca.rootPEM, mode: mode)
            }
            let known = try Loopback(server, alice, name: "foobar.com").handshake()
            #expect(known.isDone)
            #expect(known.server.peerSubject == "CN=alice")
            let none = try Loopback(server, Make.client(version), name: "foobar.com").handshake()
            if mode == .require {
                #expect(none.serverProgress.reason == .clientCertificateMissing)
            } else {
                #expect(none.isDone && none.server.peerSubject == nil)
            }
            let unknown = try Loopback(server, mallory, name: "foobar.com").handshake()
            #expect(unknown.serverProgress.reason == .clientCertificateInvalid)
        }
    }
}
