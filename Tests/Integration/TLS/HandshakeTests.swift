import Testing

/// Versions, names, keys, protocols and tickets, as openssl s_client sees them.
@Suite("TLS handshakes", .patient)
struct HandshakeTests {
    private func servers() throws -> (ScriptedServer, [SiteFile.Server]) {
        let app = try ScriptedServer.named("app")
        return (app, [.init(app)])
    }

    @Test("TLS 1.2 and 1.3 are spoken, older ones are not, and AEAD suites with forward secrecy alone")
    func versions() throws {
        let (app, servers) = try servers()
        let front = try SecureGateway(servers)
        for (option, version) in [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")] {
            let session = try TLSSession(port: front.secure, [option], in: front.directory)
            #expect(session.succeeded, "\(option): \(session.text)")
            #expect(session.version == version)
            #expect(session.result.output.contains("HTTP/1.1 200"))
        }
        for options in [
            ["-tls1", "-cipher", "ALL:@SECLEVEL=0"], ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
            ["-tls1_2", "-cipher", "AES128-GCM-SHA256"], ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"],
            ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"],
        ] {
            let session = try TLSSession(port: front.secure, options, in: front.directory)
            #expect(!session.succeeded, "\(options) was accepted")
        }
        #expect(app.requests.count == 2)
    }

    @Test("the modern profile speaks TLS 1.3 alone")
    func modern() throws {
        let (app, servers) = try servers()
        let front = try SecureGateway(servers, tls: "profile: modern")
        #expect(try TLSSession(port: front.secure, ["-tls1_3"], in: front.directory).succeeded)
        #expect(try !TLSSession(port: front.secure, ["-tls1_2"], in: front.directory).succeeded)
        #expect(app.requests.count == 1)
    }

    @Test("of key exchange groups those that are named are taken, and no others")
    func groups() throws {
        let (app, servers) = try servers()
        let front = try SecureGateway(servers, tls: "groups: [P-384, P-256]")
        func session(_ groups: String, _ version: String) throws -> TLSSession {
            try TLSSession(port: front.secure, ["-groups", groups, version], in: front.directory)
        }
        for version in ["-tls1_2", "-tls1_3"] {
            // P-256 is always among them, since TLS 1.2 wants the certificate's own there. The last one's first share is of
            // no use: a HelloRetryRequest leads on.
            for (groups, size) in [("P-384:P-256", 384), ("P-256", 256), ("X25519:P-256", 256)] {
                let taken = try session(groups, version)
                #expect(taken.result.output.contains("HTTP/1.1 200"), "\(groups) \(version): \(taken.text)")
                #expect(taken.result.output.contains(", \(size) bits"), "\(groups) \(version)")
            }
            for groups in ["X25519", "P-521", "X25519:P-521"] {
                #expect(try !session(groups, version).succeeded, "\(groups) \(version)")
            }
        }
        #expect(app.requests.count == 6)
        let usual = try SecureGateway(servers)
        #expect(try TLSSession(port: usual.secure, ["-groups", "X25519"], in: usual.directory).succeeded)
        #expect(try !TLSSession(port: usual.secure, ["-groups", "P-521"], in: usual.directory).succeeded)
    }

    @Test("ALPN picks by the gateway's preference, and a client without it gets HTTP/1.1")
    func alpn() throws {
        let (app, servers) = try servers()
        let front = try SecureGateway(servers)
        for (offer, expected) in [("h2,http/1.1", "h2"), ("http/1.1,h2", "h2"), ("http/1.1", "http/1.1")] {
            let session = try TLSSession(port: front.secure, ["-alpn", offer], request: "", in: front.directory)
            #expect(session.protocolName == expected, "\(offer)")
        }
        let plain = try TLSSession(port: front.secure, in: front.directory)
        #expect(plain.result.output.contains("HTTP/1.1 200"))
        let older = try SecureGateway(servers, protocols: "http/1.1")
        let session = try TLSSession(port: older.secure, ["-alpn", "h2,http/1.1"], in: older.directory)
        #expect(session.protocolName == "http/1.1")
        #expect(app.requests.count == 2)
    }

    @Test("the certificate follows the name; an unknown name or none is refused")
    func names() throws {
        let (app, servers) = try servers()
        let front = try SecureGateway(servers, names: [["foobar.test"], ["*.wild.test"], ["exact.wild.test"]])
        for (name, subject) in [
            ("foobar.test", "foobar.test"), ("FOOBAR.test", "foobar.test"), ("a.wild.test", "*.wild.test"),
            ("exact.wild.test", "exact.wild.test"),
        ] {
            let session = try TLSSession(port: front.secure, name: name, request: "", in: front.directory)
            #expect(session.subject == subject, "\(name): \(session.text)")
        }
        for name in ["evil.test", "a.b.wild.test", "wild.test", nil] {
            let session = try TLSSession(port: front.secure, name: name, request: "", in: front.directory)
            #expect(!session.succeeded, "\(name ?? "no name") was accepted")
        }
        #expect(app.connectionCount == 0)
    }

    @Test("by configuration an unknown name gets the first certificate")
    func defaultCertificate() throws {
        let (app, servers) = try servers()
        let front = try SecureGateway(servers, tls: "unknown-name: default")
        for name in ["evil.test", nil] {
            let session = try TLSSession(port: front.secure, name: name, request: "", in: front.directory)
            #expect(session.subject == "foobar.test")
        }
        #expect(app.connectionCount == 0)
    }

    @Test("RSA and ECDSA side by side: each client gets what it can check")
    func bothKeys() throws {
        let (_, servers) = try servers()
        let front = try SecureGateway(servers, keys: [.ecdsa, .rsa])
        for (algorithms, key) in [("ECDSA+SHA256", "id-ecPublicKey"), ("RSA-PSS+SHA256:RSA+SHA256", "rsaEncryption")] {
            for version in ["-tls1_2", "-tls1_3"] {
                let session = try TLSSession(
                    port: front.secure,
                    ["-sigalgs", algorithms, version],
                    request: "",
                    in: front.directory
                )
                #expect(session.succeeded, "\(algorithms) \(version): \(session.text.suffix(500))")
                #expect(session.text.contains(key), "\(algorithms) \(version)")
            }
        }
    }

    @Test("a session resumes, on another worker too, with either version", arguments: ["-tls1_2", "-tls1_3"])
    func resumption(version: String) throws {
        let (app, servers) = try servers()
        let front = try SecureGateway(servers, workers: 4)
        let ticket = front.directory.path("ticket")
        let first = try TLSSession(port: front.secure, [version, "-sess_out", ticket], in: front.directory)
        #expect(first.succeeded && !first.isResumed)
        for _ in 0..<8 {
            let next = try TLSSession(port: front.secure, [version, "-sess_in", ticket], in: front.directory)
            #expect(next.isResumed)
            #expect(next.result.output.contains("HTTP/1.1 200"))
        }
        #expect(app.requests.count == 9)
    }

    @Test("a ticket of one name never resumes under another", arguments: ["-tls1_2", "-tls1_3"])
    func resumptionUnderAnotherName(version: String) throws {
        let (_, servers) = try servers()
        let front = try SecureGateway(servers, names: [["foobar.test"], ["other.test"]])
        let ticket = front.directory.path("ticket")
        let first = try TLSSession(port: front.secure, [version, "-sess_out", ticket], in: front.directory)
        #expect(first.succeeded)
        let other = try TLSSession(
            port: front.secure,
            name: "other.test",
            [version, "-sess_in", ticket],
            request: "",
            in: front.directory
        )
        #expect(!other.isResumed)
    }

    @Test("renegotiation is refused, early data is not offered")
    func renegotiationAndEarlyData() throws {
        let (app, servers) = try servers()
        let front = try SecureGateway(servers)
        let session = try run(
            "openssl",
            ["s_client", "-connect", "127.0.0.1:\(front.secure)", "-servername", "foobar.test", "-tls1_2"],
            in: front.directory,
            input: "R\nGET / HTTP/1.1\r\nHost: foobar.test\r\n\r\n"
        )
        #expect(!session.output.contains("HTTP/1.1 200"))
        let early = try TLSSession(port: front.secure, ["-tls1_3"], in: front.directory)
        #expect(early.result.output.contains("Max Early Data: 0") || !early.result.output.contains("Max Early Data"))
        #expect(app.requests.count == 1)
    }

    @Test("a Host of another virtual host than the SNI's is a 421")
    func misdirected() throws {
        let (app, servers) = try servers()
        let front = try SecureGateway(
            servers,
            names: [["foobar.test"], ["other.test"]],
            routes: ["{ hosts: [foobar.test, other.test], pool: web }"]
        )
        for (target, host) in [("/", "other.test"), ("https://other.test/", "foobar.test")] {
            let request = "GET \(target) HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n\r\n"
            let session = try TLSSession(port: front.secure, request: request, in: front.directory)
            #expect(session.result.output.contains("HTTP/1.1 421"), "\(target): \(session.text.suffix(500))")
        }
        #expect(app.connectionCount == 0)
    }

    @Test("the end of a connection is announced by close_notify")
    func closeNotify() throws {
        let (app, servers) = try servers()
        let front = try SecureGateway(servers)
        let result = try python(
            """
            import socket, ssl, sys
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            raw = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 10)
            tls = context.wrap_socket(raw, server_hostname="foobar.test", suppress_ragged_eofs=False)
            tls.sendall(b"GET / HTTP/1.1\\r\\nHost: foobar.test\\r\\nConnection: close\\r\\n\\r\\n")
            answer = b""
            while part := tls.recv(65536): answer += part
            print(answer.split(b"\\r\\n")[0].decode())
            """,
            ["\(front.secure)"],
            in: front.directory
        )
        #expect(result.output == "HTTP/1.1 200 OK\n", "\(result.error)")
        #expect(app.requests.first?["x-forwarded-proto"] == "https")
    }

    @Test("client certificates: none is refused, the right one's subject is passed on, a client cannot forge it")
    func mutual() throws {
        let (app, servers) = try servers()
        let directory = try TemporaryDirectory()
        let mine = try TestCertificate("mine", names: ["alice"], in: directory)
        let foreign = try TestCertificate("foreign", names: ["mallory"], in: directory)
        let front = try SecureGateway(servers, tls: "client-certificates: { ca: \(mine.certificatePath) }")
        let forged = ["--header", "X-Client-Subject: CN=root"]
        let good = try front.curl(
            "--http1.1",
            "--cert",
            mine.certificatePath,
            "--key",
            mine.keyPath,
            forged[0],
            forged[1]
        )
        #expect(good.output == "app", "\(good.error)")
        let subject = app.requests.first?.values("x-client-subject") ?? []
        #expect(subject.count == 1 && subject[0].contains("alice"), "\(subject)")
        #expect(try front.curl("--http1.1").status != 0)
        #expect(try front.curl("--http1.1", "--cert", foreign.certificatePath, "--key", foreign.keyPath).status != 0)
        #expect(app.requests.count == 1)
    }

    @Test("a client that stalls in its handshake, or sends what is none, is closed; the others are unharmed")
    func brokenHandshakes() throws {
        let (_, servers) = try servers()
        let front = try SecureGateway(servers, gateway: ["timeouts: { client-hs: 400ms }"])
        let starts: [[UInt8]] = [
            [], [0x16], [0x16, 3, 1], [0x16, 3, 1, 0xff, 0xff], Array("GET / HTTP/1.1\r\n\r\n".utf8),
            [UInt8](repeating: 0, count: 1000), [0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0], [0x17, 3, 3, 0, 1, 0],
            [0x80, 0x2e, 1],
        ]
        for start in starts {
            let client = try HTTPConnection(port: front.secure)
            try client.send(start)
            #expect(!String(decoding: try client.readToEnd(), as: UTF8.self).contains(" 200 "), "\(start)")
        }
        #expect(try front.curl("--http1.1").output == "app")
    }
}
